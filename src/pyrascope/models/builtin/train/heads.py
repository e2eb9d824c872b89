"""What hangs on the model in training: dense targets on every token, and where a question looks."""

import math
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from ....learning.losses.laplacian import laplacian_loss
from ..architecture import CELL
from .targets import CLASSES, IGNORED

NONE_WEIGHT = 0.2
"""Of the class "none" in a dense target."""
LOOK = 64


class Heads(nn.Module):
    """Linear heads: `dense` on the tower's features, `query` and `mention` on words with `key` on what is shown."""

    def __init__(self, width: int, *, pixels: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dense = nn.Linear(width, sum(CLASSES) + len(CLASSES))
        self.query, self.key = nn.Linear(width, LOOK), nn.Linear(width, LOOK)
        self.mention = nn.Linear(width, LOOK)
        self.nowhere = nn.Parameter(torch.zeros(LOOK))
        self.shown = nn.LayerNorm(width)
        self.pixels = nn.Linear(width, 3 * CELL * CELL) if pixels else None

    def look(self, states: Tensor, shown: Tensor, last: Tensor) -> Tensor:
        """Returns the scores (b, q, n) of the visual tokens `shown` for the last token (b, q) of each question."""
        asked = torch.take_along_dim(states, last[..., None, None], 2)[:, :, 0]
        scores: Tensor = self.query(asked) @ self.key(self.shown(shown)).transpose(1, 2)
        return torch.div(scores, LOOK**0.5)

    def mentioned(self, states: Tensor, shown: Tensor) -> Tensor:
        """Returns the scores (b, m, n + 1) of the visual tokens for words (b, m, d) that name a thing; last: none."""
        keys = self.key(self.shown(shown))
        keys = torch.cat([keys, self.nowhere.to(keys.dtype).expand(len(keys), 1, -1)], 1)
        scores: Tensor = self.mention(states) @ keys.transpose(1, 2)
        return torch.div(scores, LOOK**0.5)

    def reconstruction_loss(self, features: Tensor, patches: Tensor) -> Tensor:
        """Returns the Laplacian loss of the pictures that the features (b, n, d) give back, to those of the patches.

        Args:
            features: Of all cells of square pictures, in reading order; some of them hidden from the tower.
            patches: What is there (b, n, 768), none hidden.

        Raises:
            ValueError: the heads have none for pixels.

        Source: the pre-training loss "contrastive + 0.1 LapLoss" of masked pictures, as `laplacian_loss`. Differs in
        that dense targets take the place of the contrastive part.
        """
        if self.pixels is None:
            raise ValueError("reconstruction needs heads with pixels=True, got none")
        side = math.isqrt(patches.shape[1])
        made, there = (
            rearrange(part, "b (r s) (c y x) -> b c (r y) (s x)", r=side, y=CELL, x=CELL)
            for part in (self.pixels(self.norm(features)).float(), patches)
        )
        return laplacian_loss(made, there, levels=3, weights=(1.0, 0.5, 0.25))

    def dense_losses(self, features: Tensor, wanted: Tensor) -> tuple[Tensor, list[float]]:
        """Returns the mean loss over the targets, and for each the share that is right where there is something."""
        scores = self.dense(self.norm(features)).float()
        losses, right, start = [], [], 0
        for column, count in enumerate(CLASSES):
            part = scores[..., start : start + count + 1].flatten(0, 1)
            aim = wanted[..., column].flatten()
            weight = torch.ones(count + 1)
            weight[-1] = NONE_WEIGHT
            if bool((aim != IGNORED).any()):
                losses.append(F.cross_entropy(part, aim, weight=weight, ignore_index=IGNORED))
            known = (aim >= 0) & (aim < count)
            right.append(float((part.detach().argmax(-1) == aim)[known].float().mean()))
            start += count + 1
        return torch.stack(losses).mean(), right


def matrices(module: Any) -> list[nn.Parameter]:
    """The weights of a module that are matrices."""
    return [weight for weight in module.parameters() if weight.ndim == 2]
