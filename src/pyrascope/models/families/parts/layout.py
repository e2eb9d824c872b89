"""Which of a tower's tokens each visual token of an image comes from, and how these lie on the image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ....allocation.contracts.tiles import Views


@dataclass(frozen=True, eq=False)
class TokenLayout:
    """The n visual tokens of one image.

    Attributes:
        grid: Rows and columns of the cells, where the tokens are one grid in reading order.
        tiles: Which view each token belongs to, where views are known: int (n,), or with what each tile shows.
        mean: Takes values of all the tower's tokens (t, c), returns their mean over the patches of each visual token
            (n, c); 0 for a token that is not a part of the image (a line break). None where that is not known.
        patches: How many patches each token stands for (n,).
        lookers: Over how many of the tower's tokens the attention that one receives is a mean.
    """

    grid: tuple[int, int] | None = None
    tiles: Tensor | Views | None = None
    mean: Callable[[Tensor], Tensor] | None = None
    patches: Tensor | None = None
    lookers: int = 1


def one_view(tokens: int) -> Tensor:
    """The view of each token where there is one: the whole image."""
    return torch.zeros(tokens, dtype=torch.long)


def whole_last(views: int, cells: int) -> Tensor:
    """The view of each token where the whole image, numbered 0, follows its tiles.

    >>> whole_last(3, 2)
    tensor([1, 1, 2, 2, 0, 0])
    """
    return ((torch.arange(views) + 1) % views).repeat_interleave(cells)


def blocks(values: Tensor, side: tuple[int, int], merge: int) -> Tensor:
    """Returns the means (..., cells, c) of merge x merge blocks of `values` (..., rows * columns, c), in reading order.

    >>> blocks(torch.arange(8.0)[:, None], (2, 4), 2).flatten()
    tensor([2.5000, 4.5000])
    """
    rows, columns = (part // merge for part in side)
    grid = values.reshape(*values.shape[:-2], *side, values.shape[-1])[..., : rows * merge, : columns * merge, :]
    parted = grid.reshape(*grid.shape[:-3], rows, merge, columns, merge, grid.shape[-1])
    return parted.mean((-2, -4)).flatten(-3, -2)


def even_views(counts: Sequence[int], side: tuple[int, int], merge: int, cls: bool) -> list[TokenLayout]:
    """The layouts of images whose views are all of `side` patches, merged merge x merge, one sequence a view.

    Args:
        counts: Visual tokens of each image.
        side: Rows and columns of patches of a view.
        merge: Patches along the side of a visual token.
        cls: Whether a [CLS] token, which is not a visual one, precedes the patches of a view.

    Returns:
        One an image: with its grid where it is one view, else with neither grid nor tiles.
    """
    cells = (side[0] // merge) * (side[1] // merge)
    out, start = [], 0
    for count in counts:
        views = count // cells
        known = views == 1
        out.append(
            TokenLayout(
                grid=(side[0] // merge, side[1] // merge) if known else None,
                tiles=one_view(count) if known else None,
                mean=_of_views(start, views, side, merge, cls),
                patches=torch.full((count,), float(merge * merge)),
                lookers=1 if cls else side[0] * side[1],
            )
        )
        start += views
    return out


def _of_views(start: int, views: int, side: tuple[int, int], merge: int, cls: bool) -> Callable[[Tensor], Tensor]:
    def mean(values: Tensor) -> Tensor:
        each = values.reshape(-1, cls + side[0] * side[1], values.shape[-1])[start : start + views, int(cls) :]
        return blocks(each, side, merge).flatten(0, 1)

    return mean


def packed(sides: Sequence[tuple[int, int]], merge: int) -> list[TokenLayout]:
    """The layouts of images whose patches follow one another in reading order in one sequence.

    Args:
        sides: Rows and columns of patches of each image.
        merge: Patches along the side of a visual token.
    """
    out, start = [], 0
    for side in sides:
        grid = (side[0] // merge, side[1] // merge)
        out.append(
            TokenLayout(
                grid=grid,
                tiles=one_view(grid[0] * grid[1]),
                mean=_of_part(start, side, merge),
                patches=torch.full((grid[0] * grid[1],), float(merge * merge)),
                lookers=side[0] * side[1],
            )
        )
        start += side[0] * side[1]
    return out


def _of_part(start: int, side: tuple[int, int], merge: int) -> Callable[[Tensor], Tensor]:
    return lambda values: blocks(values[start : start + side[0] * side[1]], side, merge)
