"""A plain resize: the baseline to beat."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..allocation.budgets.budget import budget_by_size
from ..allocation.contracts.allocator import Scene, refuse_weights
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan, grid_of

NEAR_SQUARE = 1.15
"""Greatest ratio of a cell's sides that still counts as keeping the picture's proportions."""


@dataclass(frozen=True)
class Resize:
    """The grid of a plain resize that keeps the aspect ratio and fits the budget best.

    Of the grids of near-square cells (side ratio at most 1.15) it takes the one with the most tokens within the
    budget, the squarest if several; where there is no such grid, the one with the squarest cells. It alone may use
    fewer tokens than the budget: `plan.tokens` says how many. `render` magnifies the small image as a whole, so that
    this baseline is as strong as it is in life. Scores are 0.
    """

    site: ClassVar[Site] = PIXELS

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene; several scenes share the budget by their size."""
        refuse_weights(scenes, "Resize")
        shares = budget_by_size([scene.size for scene in scenes], budget, cell, repr(self))
        return [self._resized(scene.size, share, cell) for scene, share in zip(scenes, shares, strict=True)]

    def _resized(self, size: tuple[int, int], budget: int, cell: int) -> Plan:
        rows, columns = resize_grid(size, budget, cell)
        ys, xs = np.linspace(0, size[0], rows + 1), np.linspace(0, size[1], columns + 1)
        y, x = (index.ravel() for index in np.indices((rows, columns)))
        boxes = np.stack([ys[y], xs[x], ys[y + 1], xs[x + 1]], 1)
        level = [math.log2(size[0] / rows / cell), math.log2(size[1] / columns / cell)]
        return Plan(boxes, np.tile(level, (len(boxes), 1)), np.zeros(len(boxes)), size, cell, repr(self))


def resize_grid(size: tuple[int, int], budget: int, cell: int) -> tuple[int, int]:
    """Returns rows and columns of the near-square grid that fits `budget` best.

    Example:
        >>> resize_grid((512, 768), 256, 16)
        (13, 19)
    """
    most_rows, most_columns = grid_of(size, cell)
    rows = np.arange(1, min(most_rows, budget) + 1)[:, None]
    columns = np.arange(1, min(most_columns, budget) + 1)[None]
    ratio = (size[0] / rows) / (size[1] / columns)
    ratio = np.maximum(ratio, 1 / ratio)
    tokens = rows * columns
    ratio = np.where(tokens <= budget, ratio, np.inf)
    if (near := ratio <= NEAR_SQUARE).any():
        tokens = np.where(near, tokens, 0)
        best = tokens == tokens.max()
        ratio = np.where(best, ratio, np.inf)
    row, column = np.unravel_index(ratio.argmin(), ratio.shape)
    return int(row) + 1, int(column) + 1
