"""What the pixels site asks of a vision tower: the images as it gets them, and its features of any patches of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ...stock.encode import Encoded
from ...stock.placeholders import Run
from ...stock.protocols import Model
from ...stock.support import transformers
from .canvas import Canvas


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one image that shall become its visual tokens, in the order of the tokens.

    Attributes:
        patches: Normalised pixels (n, c, p, p), p the side of a cell.
        boxes: float64 (n, 4): y0, x0, y1, x1 of what each patch shows, in stock cells: the whole image is
            (0, 0, rows, columns) and a native box has side 1. Boxes may reach over the border, where patches repeat
            the edge.
        grid: Rows and columns of stock cells.
        bias: float64 (n,), what is added to the attention logits of each cell as a key (`area_bias`), or None for
            nothing. Only towers in `BIASED` take it.
    """

    patches: Tensor
    boxes: Tensor
    grid: tuple[int, int]
    bias: Tensor | None = None

    def cut(self, k: int) -> Tensor:
        """Returns the k x k patches of each cell, in reading order, those of a cell together: (n * k * k, c, p, p)."""
        n, channels, side, _ = self.patches.shape
        parts = self.patches.reshape(n, channels, k, side // k, k, side // k)
        return parts.permute(0, 2, 4, 1, 3, 5).reshape(n * k * k, channels, side // k, side // k)


def area_bias(boxes: Tensor, sized: float) -> Tensor | None:
    """Returns sized * log(area / mean area) of boxes (n, 4), float64 (n,); None where that is 0 for all.

    Added to the attention logits of keys with `sized` 1 it makes a token of k times the area count as k equal tokens.
    The areas are those before clipping at the border, so a regular grid has none.

    >>> area_bias(torch.tensor([[0.0, 0, 2, 2], [0, 2, 1, 3], [1, 2, 2, 3]]), 1.0)
    tensor([ 0.6931, -0.6931, -0.6931])
    >>> area_bias(torch.tensor([[0.0, 0, 2, 2], [0, 2, 2, 4]]), 1.0)
    """
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    if not sized or bool((areas == areas[:1]).all()):
        return None
    return sized * (areas / areas.mean()).log()


def visible_centres(boxes: Tensor, grid: tuple[int, int]) -> Tensor:
    """Returns the centres (n, 2), y and x, of the parts of `boxes` (n, 4) that lie in the image, in stock cells."""
    border = torch.tensor(grid, dtype=boxes.dtype)
    return (boxes[:, :2].clamp(min=0) + boxes[:, 2:].minimum(border)) / 2


class Tower(Protocol):
    """The adapter of a vision tower with what joins it to the language model."""

    def cell(self, model: Model) -> int:
        """Returns the side of one token's patch in pixels."""
        ...

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the number of tokens of each item that the stock tower would return, without running it."""
        ...

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns the stock pixels of each image as one canvas.

        Args:
            model: The model.
            inputs: What the processor returned.
            groups: The placeholders of each image, as `Family.images`.

        Raises:
            NotImplementedError: the tower cannot take packed patches; the message says why.
        """
        ...

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns the features of the cells as the language model takes them, one item an image, in one pass."""
        ...


def pixel_values(inputs: Mapping[str, Any], axes: str) -> Tensor:
    """Returns the pixels that came, which must have the axes that are named, such as "images, c, h, w".

    Raises:
        ValueError: they have others.
    """
    pixels: Tensor = inputs["pixel_values"]
    if pixels.ndim != len(axes.split(",")):
        raise ValueError(
            f"pixel_values must have shape ({axes}), got {tuple(pixels.shape)}; use the model's own processor"
        )
    return pixels


def gathered(states: Sequence[Tensor], project: Callable[[Tensor], Tensor], *, listed: bool) -> Encoded:
    """Returns the rows (n, d) of each image, projected together; `listed` as in `Encoded`."""
    output = transformers().modeling_outputs.BaseModelOutputWithPooling
    return Encoded(project(torch.cat(list(states))), tuple(map(len, states)), listed, (), output)
