"""Views of one image: the whole of it, and tiles that show its parts larger (AnyRes)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..._check import shorten, whole_number

WHOLE = (torch.int64, torch.int32, torch.int16, torch.uint8)


@dataclass(frozen=True)
class Tiles:
    """Views of one size in the order of their tokens: the whole image, then its tiles in reading order.

    Attributes:
        rows: Rows of tiles, >= 1.
        columns: Tiles a row, >= 1.
        view: Rows and columns of the cells of each view, the whole image's included.

    Example:
        >>> Tiles(1, 2, (1, 2)).numbers()
        tensor([0, 0, 1, 1, 2, 2])
    """

    rows: int
    columns: int
    view: tuple[int, int]

    def __post_init__(self) -> None:
        whole_number(self.rows, "rows", 1)
        whole_number(self.columns, "columns", 1)
        check_grid(self.view, "view")

    @property
    def tokens(self) -> int:
        """Tokens of all views."""
        return (1 + self.rows * self.columns) * self.view[0] * self.view[1]

    def numbers(self) -> Tensor:
        """Returns the view of each token, int64 (tokens,): 0 is the whole image."""
        return torch.arange(1 + self.rows * self.columns).repeat_interleave(self.view[0] * self.view[1])

    def shown_by(self) -> Tensor:
        """Returns the tile (from 0) that shows the centre of each cell of the whole image, int64 (cells,)."""
        tile = torch.arange(self.rows * self.columns).reshape(self.rows, self.columns)
        return at_centres(tile, self.view)


@dataclass(frozen=True, eq=False)
class Views:
    """Views whose tokens lie in any order and number, as where a model cuts off the padding of its tiles.

    Attributes:
        number: The view of each token, int64 (n,): 0 is the whole image, k is tile k - 1.
        shown: The tile (from 0) that shows the centre of each token of the whole image, int64, in their order.

    Raises:
        ValueError: numbers that are negative, or not one tile for each token of the whole image.
    """

    number: Tensor
    shown: Tensor

    def __post_init__(self) -> None:
        check_numbers(self.number, "number")
        check_numbers(self.shown, "shown")
        whole = int((self.number == 0).sum())
        if len(self.shown) != whole:
            raise ValueError(f"shown must name a tile for each of the {whole} tokens of view 0, got {len(self.shown)}")

    def numbers(self) -> Tensor:
        """Returns the view of each token, int64 (n,)."""
        return self.number.long()

    def shown_by(self) -> Tensor:
        """Returns the tile that shows the centre of each token of the whole image."""
        return self.shown.long()


def at_centres(values: Tensor, view: tuple[int, int]) -> Tensor:
    """Returns what `values` (h, w) over an image say at the centres of `view` cells over the same image, (cells,).

    Example:
        >>> at_centres(torch.tensor([[7, 8]]), (1, 4))
        tensor([7, 7, 8, 8])
    """
    y, x = (
        (2 * torch.arange(cells) + 1) * parts // (2 * cells) for cells, parts in zip(view, values.shape, strict=True)
    )
    return values[y[:, None], x].flatten()


def check_grid(value: object, name: str) -> None:
    """Refuses what is no (rows, columns) of cells."""
    if not isinstance(value, tuple) or len(value) != 2:
        raise ValueError(f"{name} must be (rows, columns) in cells, got {shorten(value)}")
    for number, part in zip(value, ("rows", "columns"), strict=True):
        whole_number(number, f"{part} of {name}", 1)


def check_numbers(value: object, name: str) -> None:
    """Refuses what is not a tensor (n,) of whole numbers from 0."""
    if not isinstance(value, Tensor) or value.dtype not in WHOLE or value.ndim != 1 or bool((value < 0).any()):
        raise ValueError(f"{name} must be whole numbers >= 0 of shape (n,), got {shorten(value)}")
