"""The planner's CPU kernels behind plain functions, and whether they can be had."""

from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..signal.backend import loaded, usable
from ..signal.resample import cubic
from ..signal.ripmap import HALF_WEIGHTS, LevelPair
from .measure import Measure
from .tree import level_boxes

NEAR = (1.75, 0.75, 0.25, 1.25)
"""Distances of the first pixel of a pair, in samples of the halved level, to the samples k - 2 .. k + 1."""
INTERPOLATION = tuple(cubic(torch.tensor(NEAR, dtype=torch.float64)).tolist())

LOSSES, PRUNING = "pyrascope.allocation.kernels.distortion", "pyrascope.allocation.kernels.pruning"


def pruning() -> ModuleType | None:
    """Returns the compiled pruning, or None where Numba does not work."""
    return loaded(PRUNING)


def opponent_by_kernels(image: Tensor) -> tuple[Tensor, Tensor] | None:
    """As `distortion._opponent`, in one pass; None where there are no kernels for this image."""
    if (found := usable(LOSSES, image.detach())) is None:
        return None
    array = np.ascontiguousarray(image.detach().numpy())
    height, width = array.shape[1:]
    luminance = np.empty((1, height, width), array.dtype)
    colour = np.empty((2, -(-height // 2), -(-width // 2)), array.dtype)
    shares = np.array([3**-0.5, 2**-0.5 / 4, 6**-0.5 / 4], array.dtype)
    found.opponent(array, shares, luminance[0], colour)
    return torch.from_numpy(luminance), torch.from_numpy(colour)


def recursion_by_kernels(
    image: Tensor, cell: int, top: int, skew: int, measure: Measure, above: int
) -> dict[LevelPair, NDArray[np.float64]] | None:
    """As `distortion._recursion_by_torch`, in one call a plane: equal to rounding. None where there are no kernels."""
    if (found := usable(LOSSES, image.detach())) is None:
        return None
    planes = np.ascontiguousarray(image.detach().numpy())
    kind = planes.dtype
    weights = measure.weights((above, above))
    mass = np.empty((0, 0), kind) if weights is None else np.ascontiguousarray(weights.numpy(), dtype=kind)
    known = np.array(HALF_WEIGHTS, kind), np.array(INTERPOLATION, kind)
    where, lasts, size = np.zeros((top + 1, top + 1, 3), np.int64), np.ones((top + 1, top + 1, 3), kind), 0
    grid = -(-planes.shape[1] // cell), -(-planes.shape[2] // cell)
    levels = [(ly, lx) for ly in range(top + 1) for lx in range(max(ly - skew, 0), min(ly + skew, top) + 1)]
    for level in levels:
        rows, columns = level_boxes(grid, level)
        where[level] = rows, columns, size
        size += rows * columns
        if weights is None:
            whole = level[0] + above, level[1] + above
            lasts[level] = 2 ** sum(whole), *measure.last_shares(whole)
    total = np.zeros(size)
    for plane in planes:
        sums = np.zeros(size)
        found.recursion(plane, mass, skew, known, lasts, cell, where, sums)
        total += sums
    return {
        level: total[start : start + rows * columns].reshape(rows, columns)
        for level, (rows, columns, start) in ((level, where[level].tolist()) for level in levels)
    }
