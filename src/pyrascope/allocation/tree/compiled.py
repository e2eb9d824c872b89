"""The planner's CPU kernels behind plain functions, and whether they can be had."""

from functools import lru_cache
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...signal.arrays import blank
from ...signal.backend import loaded, usable
from ...signal.resample import cubic
from ...signal.ripmap import HALF_WEIGHTS, LevelPair
from .measure import Measure
from .tree import Grid, Index, level_boxes

NEAR = (1.75, 0.75, 0.25, 1.25)
"""Distances of the first pixel of a pair, in samples of the halved level, to the samples k - 2 .. k + 1."""
Filters = tuple[tuple[float, ...], tuple[float, ...]]
"""Six weights of a halving, from the middle of a pair outwards; four of the interpolation back."""
PLANNING: Filters = HALF_WEIGHTS, tuple(cubic(torch.tensor(NEAR, dtype=torch.float64)).tolist())

LOSSES, PRUNING = "pyrascope.allocation.tree.kernels.distortion", "pyrascope.allocation.tree.kernels.pruning"


def pruning() -> ModuleType | None:
    """Returns the compiled pruning, or None where Numba does not work."""
    return loaded(PRUNING)


def opponent_by_kernels(image: Tensor) -> tuple[Tensor, Tensor] | None:
    """As `distortion._opponent`, in one pass; None where there are no kernels for this image."""
    if (found := usable(LOSSES, image.detach())) is None:
        return None
    array = np.ascontiguousarray(image.detach().numpy())
    height, width = array.shape[1:]
    luminance = blank((1, height, width), array.dtype)
    colour = blank((2, -(-height // 2), -(-width // 2)), array.dtype)
    shares = np.array([3**-0.5, 2**-0.5 / 4, 6**-0.5 / 4], array.dtype)
    found.opponent(array, shares, luminance[0], colour)
    return torch.from_numpy(luminance), torch.from_numpy(colour)


def recursion_by_kernels(
    image: Tensor, cell: int, top: int, skew: int, measure: Measure, above: int, filters: Filters = PLANNING
) -> dict[LevelPair, NDArray[np.float64]] | None:
    """As `distortion._recursion_by_torch`, in one call a plane: equal to rounding. None where there are no kernels."""
    if (found := usable(LOSSES, image.detach())) is None:
        return None
    planes = np.ascontiguousarray(image.detach().numpy())
    kind = planes.dtype
    weights = measure.weights((above, above))
    mass = np.empty((0, 0), kind) if weights is None else np.ascontiguousarray(weights.numpy(), dtype=kind)
    known = np.array(filters[0], kind), np.array(filters[1], kind)
    where, places = _places((-(-planes.shape[1] // cell), -(-planes.shape[2] // cell)), top, skew)
    lasts = np.ones((top + 1, top + 1, 3), kind)
    if weights is None:
        lasts[:] = _pixels(measure.size, top, above)
    rows, columns, start = places[-1][1]
    total, sums = np.zeros(start + rows * columns), np.zeros(start + rows * columns)
    work = blank((found.work_size(*planes.shape[1:]),), kind)
    for plane in planes:
        found.recursion(plane, mass, skew, known, lasts, cell, where, sums, work)
        total += sums
    return {
        level: total[start : start + rows * columns].reshape(rows, columns) for level, (rows, columns, start) in places
    }


@lru_cache(maxsize=64)
def _places(grid: Grid, top: int, skew: int) -> tuple[Index, list[tuple[LevelPair, tuple[int, int, int]]]]:
    """Rows, columns and start of the boxes of each level in one array of sums: as an array by level, and as a list."""
    where, places, start = np.zeros((top + 1, top + 1, 3), np.int64), [], 0
    for ly in range(top + 1):
        for lx in range(max(ly - skew, 0), min(ly + skew, top) + 1):
            rows, columns = level_boxes(grid, (ly, lx))
            where[ly, lx] = rows, columns, start
            places.append(((ly, lx), (rows, columns, start)))
            start += rows * columns
    return where, places


@lru_cache(maxsize=64)
def _pixels(size: tuple[int, int], top: int, above: int) -> NDArray[np.float64]:
    """Area of a pixel of each level, and the shares in the image of one of its last row and of its last column."""
    times = np.arange(top + 1) + above
    height, width = (pixels / 2.0**times - -(-pixels // 2**times) + 1 for pixels in size)
    area = 2.0 ** np.add.outer(times, times)
    return np.stack([area, *np.broadcast_arrays(height[:, None], width[None, :])], -1)
