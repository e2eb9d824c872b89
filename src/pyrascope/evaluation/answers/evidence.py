"""Where the evidence of a question lies: as a heat map for plans, and as one of nine places for an audit."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...allocation.plan import Plan, grid_of
from ..pictures.density import overlaps
from .examples import Box

SIDE = 3
"""Places along a side of the picture."""


def heat(evidence: Sequence[Box], size: tuple[int, int], cell: int = 16) -> Tensor:
    """Returns how much of the evidence lies in each cell, float64 (rows, columns): each box counts 1 in all.

    So, cell by cell, small boxes come before large ones.

    Args:
        evidence: Boxes in pixels; what lies beyond the cells does not count.
        size: Of the image in pixels.
        cell: Side of a cell.

    >>> heat([(0, 0, 16, 32), (0, 24, 8, 32)], (32, 32))
    tensor([[0.5000, 1.5000],
            [0.0000, 0.0000]], dtype=torch.float64)
    """
    y0, x0, y1, x1 = np.array(evidence, np.float64).T
    rows, columns = grid_of(size, cell)
    tall = overlaps(y0, y1, np.arange(rows + 1, dtype=np.float64) * cell)
    wide = overlaps(x0, x1, np.arange(columns + 1, dtype=np.float64) * cell)
    return torch.from_numpy(tall.T @ (wide / ((y1 - y0) * (x1 - x0))[:, None]))


def place_of(evidence: Sequence[Box] | None, size: tuple[int, int]) -> int | None:
    """Returns which ninth of the picture (0 to 8 in reading order) holds the middle of the evidence.

    None where it is not known, is several boxes, or one larger than a ninth: then it lies in no single place.

    >>> place_of([(0, 200, 30, 230)], (300, 300)), place_of([(0, 0, 300, 300)], (300, 300))
    (2, None)
    """
    if evidence is None or len(evidence) != 1:
        return None
    y0, x0, y1, x1 = evidence[0]
    if (y1 - y0) * (x1 - x0) * SIDE**2 > size[0] * size[1]:
        return None
    row, column = (
        min(max(int((low + high) / 2 / side * SIDE), 0), SIDE - 1)
        for low, high, side in ((y0, y1, size[0]), (x0, x1, size[1]))
    )
    return row * SIDE + column


def ninths(plan: Plan) -> tuple[float, ...]:
    """Returns the share of a plan's tokens in each ninth of the picture, in reading order; the shares sum to 1.

    A token spreads evenly over its box.

    >>> plan = Plan([[0, 0, 6, 6], [0, 0, 2, 2]], [[1, 1], [0, 0]], [0, 0], (6, 6), 3, "by hand")
    >>> [round(share, 3) for share in ninths(plan)][:2]
    [0.556, 0.056]
    """
    (y0, x0, y1, x1), (height, width) = plan.boxes.T, plan.image_size
    tall = overlaps(y0, y1, np.linspace(0, height, SIDE + 1)) / (y1 - y0)[:, None]
    wide = overlaps(x0, x1, np.linspace(0, width, SIDE + 1)) / (x1 - x0)[:, None]
    return tuple(float(share) for share in (tall.T @ wide / plan.tokens).ravel())
