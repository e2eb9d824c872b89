"""A frozen vision tower that takes any patches at any places in one packed pass."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

import pyrascope as ps
from pyrascope.signal.resample import resize
from weights import MEAN, PATCH, STD, WIDTH, load_encoder

Position = Literal["centre", "area", "corner"]
MOST = 8
"""Places per axis at which the position table is averaged over a box, at most."""


class Tower:
    """The encoder of `frozen_weights.py` on packed patches, without gradients; features are those after the last norm.

    Attributes:
        attention: Of the last pass: attention that each token receives in the last layer, mean over heads and tokens,
            where `encode` was asked for it.
    """

    def __init__(self, weights: Path) -> None:
        self._model = load_encoder(weights)
        places = self._model.embeddings.position_embeddings
        side = round((places.shape[1] - 1) ** 0.5)
        self._table = places[:, 1:].transpose(1, 2).reshape(1, -1, side, side)
        self._first = self._model.embeddings.cls_token[0] + places[0, :1]
        self.attention: Tensor | None = None

    @torch.no_grad()
    def encode(self, patches: Tensor, positions: Tensor, bias: Tensor | None = None, attention: bool = False) -> Tensor:
        """Returns features (n, 384) of patches (n, 3, 14, 14) in [0, 1].

        Args:
            patches: Tokens in any order.
            positions: Position embeddings (n, 384).
            bias: Of each token (n,), added to its logits as a key in all layers; that of [CLS] is 0. None for none.
            attention: Find `self.attention` too.
        """
        normal = (patches - MEAN[:, None, None]) / STD[:, None, None]
        embedded = self._model.embeddings.patch_embeddings(normal)[:, 0]
        x = torch.cat([self._first, embedded + positions])[None]
        mask = None if bias is None else torch.cat([torch.zeros(1), bias.float()])[None, None, None]
        *others, last = list[Any](self._model.encoder.layer)
        for layer in others:
            x = layer(x, mask)
        self.attention = received(last.attention, last.norm1(x)) if attention else None
        found: Tensor = self._model.layernorm(last(x, mask))[0, 1:]
        return found

    def at(self, places: Tensor) -> Tensor:
        """Returns the position table at places (n, 2), (y, x) as shares of the image, bicubic as the model does it."""
        grid = (places.flip(-1) * 2 - 1)[None, None].float()
        found = grid_sample(self._table, grid, mode="bicubic", padding_mode="border", align_corners=False)
        return found[0, :, 0].T

    def positions(self, plan: ps.Plan, kind: Position) -> Tensor:
        """Returns position embeddings (n, 384) of the boxes of a plan.

        "centre": the table at the centre of the box. "area": its mean at the centres of the finest cells in the box, so
        that a large box has a blurred position. "corner": the centre of the finest cell at the top left corner, what
        one gets who forgets sizes.
        """
        boxes = torch.tensor(plan.boxes) / torch.tensor(plan.image_size * 2)
        start, side = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
        if kind == "corner":
            return self.at(start + plan.cell / 2 / torch.tensor(plan.image_size))
        if kind == "centre":
            return self.at(start + side / 2)
        counts = np.clip(np.rint(2.0**plan.levels), 1, MOST).astype(int)
        found = torch.empty(plan.tokens, WIDTH)
        for pair in np.unique(counts, axis=0):
            mine = torch.from_numpy((counts == pair).all(1))
            y, x = ((torch.arange(count, dtype=torch.float64) + 0.5) / count for count in pair.tolist())
            offsets = torch.cartesian_prod(y, x)
            places = start[mine][:, None] + side[mine][:, None] * offsets
            found[mine] = self.at(places.flatten(0, 1)).view(-1, len(offsets), WIDTH).mean(1)
        return found

    def of_plan(self, image: Tensor, plan: ps.Plan, kind: Position = "centre", sized: float = 0) -> Tensor:
        """Returns the features (n, 384) of the tokens of a plan, all in one pass.

        `sized`: log(area / mean area) times so much is added to the attention logits of each token as a key. With 1 a
        coarse token counts as much as the fine ones that it stands for would; 0 leaves the model as it is.
        """
        bias = None
        if sized:
            boxes = torch.tensor(plan.boxes)
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
            bias = sized * (areas / areas.mean()).log()
        return self.encode(ps.gather(image, plan), self.positions(plan, kind), bias)

    def of_grid(self, image: Tensor, grid: tuple[int, int], filter: str = "lanczos", attention: bool = False) -> Tensor:
        """Returns the features (rows, columns, 384) of an image resized to so many patches, as the stock model does."""
        rows, columns = grid
        small = resize(image, (rows * PATCH, columns * PATCH), filter)
        patches = small.view(-1, rows, PATCH, columns, PATCH).permute(1, 3, 0, 2, 4).flatten(0, 1)
        y, x = ((torch.arange(count, dtype=torch.float64) + 0.5) / count for count in grid)
        found = self.encode(patches, self.at(torch.cartesian_prod(y, x)), attention=attention)
        return found.view(rows, columns, WIDTH)


def received(attention: Any, x: Tensor) -> Tensor:
    """Returns the attention (n,) that each token gets from all tokens, [CLS] left out on both sides."""
    heads, width = attention.num_attention_heads, attention.head_dim
    queries, keys = (part(x)[0, 1:].view(-1, heads, width) for part in (attention.q_proj, attention.k_proj))
    total = torch.zeros(len(keys))
    for head in range(heads):  # one head at a time: with 4096 tokens each takes 67 MB
        total += ((queries[:, head] @ keys[:, head].T) * float(attention.scaling)).softmax(1).mean(0)
    return total / int(heads)
