"""What the heads are trained by: dense targets on every token, and pictures given back."""

import math
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from ...learning.losses.laplacian import laplacian_loss
from ..architecture import CELL
from ..heads import CLASSES, COLUMNS, FRAME_SIDE, SIZES, Heads
from .targets import IGNORED

NONE_WEIGHT = 0.2
"""Of the class "none" in a dense target."""
CORNER_WEIGHT = 4.0
"""Of the target that a token cannot know from its own pixels alone: where in its object it lies."""


def reconstruction_loss(heads: Heads, features: Tensor, patches: Tensor) -> Tensor:
    """Returns the Laplacian loss of the pictures that the features (b, n, d) give back, to those of the patches.

    Args:
        heads: With `pixels`.
        features: Of all cells of square pictures, in reading order; some of them hidden from the tower.
        patches: What is there (b, n, 768), none hidden.

    Raises:
        ValueError: the heads have none for pixels.

    Source: the pre-training loss "contrastive + 0.1 LapLoss" of masked pictures, as `laplacian_loss`. Differs in
    that dense targets take the place of the contrastive part.
    """
    if heads.pixels is None:
        raise ValueError("reconstruction needs heads with pixels=True, got none")
    side = math.isqrt(patches.shape[1])
    made, there = (
        rearrange(part, "b (r s) (c y x) -> b c (r y) (s x)", r=side, y=CELL, x=CELL)
        for part in (heads.pixels(heads.norm(features)).float(), patches)
    )
    return laplacian_loss(made, there, levels=3, weights=(1.0, 0.5, 0.25))


def dense_losses(heads: Heads, features: Tensor, wanted: Tensor) -> tuple[Tensor, list[float]]:
    """Returns the mean loss over the targets, and for each the share that is right where there is something."""
    scores = heads.dense(heads.norm(features)).float()
    losses, right, start = [], [], 0
    for column, count in enumerate(CLASSES):
        part = scores[..., start : start + count + 1].flatten(0, 1)
        aim = wanted[..., column].flatten()
        weight = torch.ones(count + 1)
        weight[-1] = NONE_WEIGHT
        if bool((aim != IGNORED).any()):
            one = F.cross_entropy(part, aim, weight=weight, ignore_index=IGNORED)
            losses.append(CORNER_WEIGHT * one if column == COLUMNS["corner"] else one)
        known = (aim >= 0) & (aim < count)
        right.append(float((part.detach().argmax(-1) == aim)[known].float().mean()))
        start += count + 1
    return torch.stack(losses).mean(), right


def spot_loss(heads: Heads, features: Tensor, centers: Tensor) -> Tensor:
    """Returns the mean loss of the row and the column of each token, from its feature.

    Without it the tower forgets where its tokens are, and questions of sides are never learned.
    """
    scores = heads.spot(heads.norm(features)).float().unflatten(-1, (2, FRAME_SIDE))
    aims = (centers * FRAME_SIDE).long().clamp(0, FRAME_SIDE - 1)
    return F.cross_entropy(scores.flatten(0, 2), aims.flatten())


def place_loss(scores: Tensor, spots: Tensor) -> tuple[Tensor, float]:
    """Returns the mean loss of the row, the column and the size of things that are named, and how many rows are right.

    Args:
        scores: What the heads say of them, 2 * PLACES + SIZES for each, in any shape.
        spots: As many rows, columns and sizes (..., 3), `IGNORED` where there is no such thing.
    """
    parts = torch.split_with_sizes(
        scores.float().reshape(-1, 2 * FRAME_SIDE + SIZES), (FRAME_SIDE, FRAME_SIDE, SIZES), -1
    )
    aims = spots.flatten(0, -2).unbind(-1)
    known = aims[0] != IGNORED
    if not bool(known.any()):
        return scores.sum() * 0, math.nan
    losses = [F.cross_entropy(part, aim, ignore_index=IGNORED) for part, aim in zip(parts, aims, strict=True)]
    right = parts[0].detach().argmax(-1) == aims[0]
    return torch.stack(losses).mean(), float(right[known].float().mean())


def matrices(module: Any) -> list[nn.Parameter]:
    """The weights of a module that are matrices."""
    return [weight for weight in module.parameters() if weight.ndim == 2]
