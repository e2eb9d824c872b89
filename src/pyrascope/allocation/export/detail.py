"""How much of a plan's detail rectangular views deliver, and where the next one should look."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..ties import FINE, first_largest

Floats = NDArray[np.float64]
LATTICE = 64
"""Most rows and columns of the map on which views are placed."""
SCALES = 2
"""Sizes of a view's box that are tried for each doubling of its sides."""


class View(NamedTuple):
    """A box of the image (y0, x0, y1, x1 in whole pixels) shown in `tokens` tokens, as `pixels` (height, width)."""

    box: tuple[int, int, int, int]
    tokens: int
    pixels: tuple[int, int]


class Detail:
    """What a plan wants and what the views so far deliver of it, place by place.

    Detail is tokens for an area. A view that spreads n tokens evenly over its box delivers as many everywhere in it (as
    many as its coarser axis would alone where it is squeezed), but nowhere more than the plan asks for; a place that
    several views show counts as in the best of them.

    Attributes:
        size: Height and width of the image.
        tokens: The plan's tokens.
        wanted: Tokens of the plan in each cell of a lattice of at most 64x64; they sum to `tokens`.
        shown: Tokens of the best view of each cell.

    Example:
        >>> detail = Detail(np.array([[0.0, 0, 8, 8], [0, 8, 4, 12], [0, 12, 4, 16], [4, 8, 8, 16]]), (8, 16))
        >>> detail.show_best([(2, (4, 8))])
        View(box=(0, 8, 4, 16), tokens=2, pixels=(4, 8))
        >>> round(detail.delivered, 6)
        2.0
    """

    def __init__(self, boxes: Floats, size: tuple[int, int]) -> None:
        """Starts without a view, for a plan's boxes (n, 4) on an image of `size`."""
        self.size, self.tokens = size, len(boxes)
        self.shape = min(size[0], LATTICE), min(size[1], LATTICE)
        self.step = np.array(size) / self.shape
        low, high = boxes[:, :2] / self.step, boxes[:, 2:] / self.step
        rows, columns = (
            (np.minimum(high[:, axis], cell + 1) - np.maximum(low[:, axis], cell)).clip(0)
            for axis, cell in enumerate(np.arange(side)[:, None] for side in self.shape)
        )
        self.wanted: Floats = (rows / (high - low).prod(1)) @ columns.T
        self.shown: Floats = np.zeros(self.shape)

    @property
    def delivered(self) -> float:
        """What the views deliver of the plan's tokens."""
        return float(np.minimum(self.wanted, self.shown).sum())

    def copy(self) -> "Detail":
        """Returns one that goes on from the same views."""
        twin = object.__new__(Detail)
        twin.__dict__.update(self.__dict__, shown=self.shown.copy())
        return twin

    def show(self, view: View) -> None:
        """Adds a view."""
        y0, x0, y1, x1 = view.box
        rows, columns = self._cells((y1 - y0, x1 - x0))
        row, column = (
            min(round(start / step), side - many)
            for start, step, side, many in zip((y0, x0), self.step, self.shape, (rows, columns), strict=True)
        )
        here = self.shown[row : row + rows, column : column + columns]
        np.maximum(here, self._density(view.tokens, (y1 - y0, x1 - x0), view.pixels), out=here)

    def show_best(self, choices: Sequence[tuple[int, tuple[int, int]]]) -> View:
        """Adds the view that delivers most, of all places and sizes of box, and returns it.

        Args:
            choices: Tokens and pixels (height, width) that the view may have. Its box has the same proportions, and is
                as large as the pixels (native resolution) or larger, where the image is.
        """
        tries = [(tokens, pixels, sides) for tokens, pixels in choices for sides in self._sides(pixels)]
        found = [self._place(self._density(tokens, sides, pixels), sides) for tokens, pixels, sides in tries]
        best = first_largest([gain for gain, _ in found], FINE, size=self.tokens)
        (tokens, pixels, sides), (_, corner) = tries[best], found[best]
        view = View((*corner, corner[0] + sides[0], corner[1] + sides[1]), tokens, pixels)
        self.show(view)
        return view

    def _sides(self, pixels: tuple[int, int]) -> list[tuple[int, int]]:
        """Heights and widths of boxes of a view's proportions."""
        most = min(self.size[0] / pixels[0], self.size[1] / pixels[1])
        least = min(1.0, most)
        scales = np.geomspace(least, most, 1 + math.ceil(SCALES * math.log2(most / least)))
        sides = np.rint(np.outer(scales, pixels)).astype(int).clip(1, self.size)
        return [(int(height), int(width)) for height, width in np.unique(sides, axis=0)]

    def _cells(self, sides: tuple[int, int]) -> tuple[int, int]:
        rows, columns = (max(1, round(side / step)) for side, step in zip(sides, self.step, strict=True))
        return min(rows, self.shape[0]), min(columns, self.shape[1])

    def _density(self, tokens: int, sides: tuple[int, int], pixels: tuple[int, int]) -> float:
        """Tokens that a view delivers in a cell of the lattice."""
        stretch = (sides[0] / pixels[0]) / (sides[1] / pixels[1])
        return tokens * float(self.step.prod()) / (sides[0] * sides[1]) / max(stretch, 1 / stretch)

    def _place(self, density: float, sides: tuple[int, int]) -> tuple[float, tuple[int, int]]:
        """The most that a box of `sides` can add, and its corner in pixels."""
        rows, columns = self._cells(sides)
        gain = (np.minimum(self.wanted, density) - self.shown).clip(0)
        total = np.pad(gain.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        sums = total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns] + total[:-rows, :-columns]
        best = np.unravel_index(first_largest(sums, FINE, size=self.tokens), sums.shape)
        middle = (np.array(best) + np.array([rows, columns]) / 2) * self.step
        corner = [
            min(max(round(float(at) - side / 2), 0), most - side)
            for at, side, most in zip(middle, sides, self.size, strict=True)
        ]
        return float(sums[best]), (corner[0], corner[1])
