"""How much each pixel of a level counts: its area inside the image, times the weight of its place."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..signal.resample import integrate_rows
from ..signal.ripmap import LevelPair


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
        mass = self._weight
        if mass is not None:
            for pixels, times in zip(self.size, level, strict=True):
                edges = (torch.arange(-(-pixels // 2**times) + 1, dtype=torch.float64) * 2**times).clamp(max=pixels)
                mass = integrate_rows(mass, edges / pixels).transpose(-1, -2) * pixels
        return mass

    def last_shares(self, level: LevelPair) -> tuple[float, float]:
        """Returns which share of a pixel of the last row, and of the last column, of a level is in the image."""
        height, width = (
            pixels / 2**times - -(-pixels // 2**times) + 1 for pixels, times in zip(self.size, level, strict=True)
        )
        return height, width
