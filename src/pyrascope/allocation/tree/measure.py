"""How much each pixel of a level counts: its area inside the image, times the weight of its place."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ...signal.arrays import blank
from ...signal.backend import usable
from ...signal.resample import integrate_rows, pieces
from ...signal.ripmap import LevelPair

INTEGRATION = "pyrascope.allocation.tree.kernels.integration"


class Measure:
    """Multiplies a map of a level by the weight and area of the level's pixels, of their part inside the image."""

    def __init__(self, size: Sequence[int], weight: Tensor | None) -> None:
        self.size, self._weight = (size[0], size[1]), weight

    def __call__(self, values: Tensor, level: LevelPair) -> Tensor:
        """Returns `values` (rows, columns) of `level`, each times the integral of the weight over its pixel."""
        mass = self.weights(level)
        if mass is not None:
            return values * mass.to(values.dtype)
        values = values * float(2 ** sum(level))
        for axis, share in enumerate(self.last_shares(level)):
            values.select(axis, -1).mul_(share)
        return values

    def weights(self, level: LevelPair) -> Tensor | None:
        """Returns the integral of the weight over each pixel of a level, float64, or None without a weight."""
        if self._mass is None or level == (0, 0):
            return self._mass
        return _integrated(self._mass, self.size, level)

    @cached_property
    def _mass(self) -> Tensor | None:
        """That of level (0, 0), of which those of coarser levels are sums."""
        if self._weight is None or self._weight.shape == self.size:
            return self._weight
        return _integrated(self._weight, self.size, (0, 0))

    def last_shares(self, level: LevelPair) -> tuple[float, float]:
        """Returns which share of a pixel of the last row, and of the last column, of a level is in the image."""
        height, width = (
            pixels / 2**times - -(-pixels // 2**times) + 1 for pixels, times in zip(self.size, level, strict=True)
        )
        return height, width


def _integrated(values: Tensor, size: tuple[int, int], level: LevelPair) -> Tensor:
    """Integrates a float64 map over an image of `size` over each pixel of a level."""
    height, width = size
    rows, columns = (
        (torch.arange(-(-pixels // 2**times) + 1, dtype=torch.float64) * 2**times).clamp(max=pixels) / pixels
        for pixels, times in zip(size, level, strict=True)
    )
    if module := usable(INTEGRATION, values):
        out = blank((len(rows) - 1, len(columns) - 1), np.dtype(np.float64))
        axes = zip(values.shape, (rows, columns), strict=True)
        cut = [tuple(part.numpy() for part in pieces(parts, edges)) for parts, edges in axes]
        module.integrate(np.ascontiguousarray(values.numpy()), *cut, out)
        return torch.from_numpy(out).mul_(height * width)
    mass = integrate_rows(values, rows).transpose(-1, -2)
    return integrate_rows(mass, columns).transpose(-1, -2) * (height * width)
