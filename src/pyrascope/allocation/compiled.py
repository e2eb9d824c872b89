"""The planner's CPU kernels behind plain functions, and whether they can be had."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..signal.backend import loaded, usable
from ..signal.resample import cubic
from ..signal.ripmap import HALF_WEIGHTS, LevelPair
from .measure import Measure

NEAR = (1.75, 0.75, 0.25, 1.25)
"""Distances of the first pixel of a pair, in samples of the halved level, to the samples k - 2 .. k + 1."""


OWN, SHARP = "pyrascope.allocation.kernels", "pyrascope.signal.kernels.sharp"


def kernels() -> ModuleType | None:
    """Returns the planner's compiled loops, or None where Numba does not work."""
    return loaded(OWN)


def opponent_by_kernels(image: Tensor) -> tuple[Tensor, Tensor] | None:
    """As `distortion._opponent`, in one pass; None where there are no kernels for this image."""
    if (found := usable(OWN, image.detach())) is None:
        return None
    array = np.ascontiguousarray(image.detach().numpy())
    height, width = array.shape[1:]
    luminance = np.empty((1, height, width), array.dtype)
    colour = np.empty((2, -(-height // 2), -(-width // 2)), array.dtype)
    shares = np.array([3**-0.5, 2**-0.5 / 4, 6**-0.5 / 4], array.dtype)
    found.opponent(array, shares, luminance[0], colour)
    return torch.from_numpy(luminance), torch.from_numpy(colour)


def lost_by_kernels(
    image: Tensor, cell: int, measure: Measure, above: int
) -> Callable[[LevelPair, LevelPair, int], NDArray[np.float64]] | None:
    """As `distortion._lost_by_torch`, by kernels: equal to rounding. None where there are none for this image."""
    if (found := usable(SHARP, image.detach())) is None:
        return None
    halve_rows, lost_rows, halve_columns = found.halve_rows, found.lost_rows, found.halve_columns
    levels = {(0, 0): np.ascontiguousarray(image.detach().numpy())}
    kind = levels[0, 0].dtype.type
    taps, near = np.array(HALF_WEIGHTS, kind), cubic(torch.tensor(NEAR, dtype=torch.float64)).numpy().astype(kind)

    def lost(level: LevelPair, finer: LevelPair, axis: int) -> NDArray[np.float64]:
        fine = levels[finer]
        shape = tuple(-(-n // 2) if place == axis + 1 else n for place, n in enumerate(fine.shape))
        half = levels[level] = np.empty(shape, kind)
        sums = np.zeros((-(-shape[1] // cell), -(-shape[2] // cell)))
        whole = finer[0] + above, finer[1] + above
        weights = measure.weights(whole)
        weight = np.empty((0, 0), kind) if weights is None else np.ascontiguousarray(weights.numpy(), dtype=kind)
        masses = np.array([2 ** sum(whole), *measure.last_shares(whole)] if weights is None else [1, 1, 1], kind)
        for plane, out in zip(fine, half, strict=True):
            if axis == 0:
                halve_rows(plane, taps, out)
                lost_rows(plane, out, near, masses, weight, cell, sums)
            else:
                halve_columns(plane, taps, near, masses, weight, cell, out, sums)
        return sums

    return lost
