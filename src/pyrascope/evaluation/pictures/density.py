"""Where a plan spends its tokens, as a map."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._check import whole_number
from ...allocation.plan import MAX_SIDE, Plan, grid_of

BAND = 64


def token_density(plan: Plan, side: int = 1) -> Tensor:
    """Returns tokens per source pixel of area, averaged over squares of `side` px.

    A token spreads evenly over its box, so that the sum of density times area is the number of tokens, whether boxes
    overlap, leave places out, or end between pixels.

    Args:
        plan: Of any method.
        side: Of a square in pixels; 1 for pixels, `plan.cell` for cells. The last row and column may be cut by the
            border; their density counts the part inside the image.

    Returns:
        float64 (ceil(h / side), ceil(w / side)).

    Example:
        >>> import pyrascope as ps
        >>> plan = ps.Plan([[0, 0, 2, 2], [0, 2, 1, 4]], [[0, 0]] * 2, [0, 0], (2, 4), 1, "by hand")
        >>> token_density(plan)
        tensor([[0.2500, 0.2500, 0.5000, 0.5000],
                [0.2500, 0.2500, 0.0000, 0.0000]], dtype=torch.float64)
    """
    whole_number(side, "side", 1, MAX_SIDE)
    rows, columns = grid_of(plan.image_size, side)
    (y0, x0, y1, x1), (height, width) = plan.boxes.T, plan.image_size
    share = 1 / ((y1 - y0) * (x1 - x0))
    ys = np.minimum(np.arange(rows + 1) * float(side), height)
    xs = np.minimum(np.arange(columns + 1) * float(side), width)
    found = np.zeros((rows, columns))
    for first in range(0, rows, BAND):  # boxes that miss a band of rows cost nothing there
        edges = ys[first : first + BAND + 1]
        there = (y0 < edges[-1]) & (y1 > edges[0])
        tall = overlaps(y0[there], y1[there], edges) / np.diff(edges)
        wide = overlaps(x0[there], x1[there], xs) / np.diff(xs)
        found[first : first + BAND] = tall.T @ (wide * share[there, None])
    return torch.from_numpy(found)


def overlaps(low: NDArray[np.float64], high: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the length that each interval low..high has in each edges[i]..edges[i + 1]: (intervals, len(edges) - 1).

    >>> overlaps(np.array([1.0]), np.array([2.5]), np.array([0.0, 2.0, 4.0]))
    array([[1. , 0.5]])
    """
    shared: NDArray[np.float64] = np.minimum(high[:, None], edges[1:]) - np.maximum(low[:, None], edges[:-1])
    return shared.clip(min=0)
