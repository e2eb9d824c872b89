"""Importance from the Laplacian pyramid: what the finer levels add."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._check import shorten, whole_number
from ...signal.laplacian import laplacian_pyramid
from ...signal.resample import integrate_rows
from ..contracts.allocator import Scene
from ..ties import magnitude, margin_of, settled_energy
from ..tree.distortion import box_sums
from ..tree.measure import Measure
from .importance import cell_edges, normalised
from .planes import levelled


def band_energy(image: Tensor, cell: int, levels: int, weight: Tensor | None = None) -> list[Tensor]:
    """Returns the energy of each Laplacian band in each box of its level: what the finer level adds there.

    The squared band, channels summed, times the area 4^l of the band's pixels (of their part inside the image) is
    summed over boxes of cell * 2^l source pixels.

    Args:
        image: Floating (c, h, w).
        cell: Side of a box of level 0 in pixels.
        levels: How many bands, at least 0; any number can be had of any image.
        weight: Non-negative (h', w') over the image's area that multiplies the energy, or None for 1.

    Returns:
        Per level l float64 (ceil(rows / 2^l), ceil(columns / 2^l)) on the CPU, in squared value times pixels.

    Example:
        >>> image = torch.zeros(1, 4, 8)
        >>> image[0, 1, 5] = 1.0
        >>> [energy.round(decimals=3).tolist() for energy in band_energy(image, 4, levels=2)]
        [[[0.008, 0.924]], [[0.049]]]

    Source: Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code".
    """
    measure = Measure(image.shape[-2:], weight)
    bands = laplacian_pyramid(levelled(image), levels=levels + 1)[:-1]
    squares = (measure(band.square().sum(0), (level, level)) for level, band in enumerate(bands))
    size = magnitude(image) * (1.0 if weight is None else float(weight.max()) ** 0.5)
    return [
        torch.from_numpy(_settled(box_sums(square, (cell, cell)), image, size, cell**2 * 4**level))
        for level, square in enumerate(squares)
    ]


def energy_density(image: Tensor, cell: int, levels: int) -> Tensor:
    """Returns the mean of each squared Laplacian band over each cell, channels summed, float64 (levels, rows, columns).

    As `band_energy` per source pixel, but of cells at all levels: a coarse band is read where the cell lies.
    """
    size = (image.shape[-2], image.shape[-1])
    bands = laplacian_pyramid(levelled(image), levels=levels + 1)[:-1]
    means = (_means(band.square().sum(0), size, cell, level).numpy() for level, band in enumerate(bands))
    return torch.stack([torch.from_numpy(_settled(mean, image, magnitude(image), 1)) for mean in means])


def _settled(energy: NDArray[np.float64], image: Tensor, size: float, area: int) -> NDArray[np.float64]:
    """Energies over boxes of `area` pixels, those that are equal on paper exactly equal."""
    return settled_energy(energy, area * len(image), size, margin_of(image.dtype))


def _means(values: Tensor, size: tuple[int, int], cell: int, level: int) -> Tensor:
    """Means over the cells of a map whose samples sit on every 2^level-th pixel, the first included."""
    for pixels in size:
        edges, whole = cell_edges(pixels, cell), values.shape[0] * 2**level
        # A sample stands for the 2^level pixels around its own.
        sums = integrate_rows(values, (edges + (2**level - 1) / 2) / whole) * whole
        values = (sums / edges.diff().to(sums.device)[:, None]).T
    return values.clamp(min=0).cpu()


@dataclass(frozen=True)
class BandEnergy:
    """Energy of the Laplacian bands per pixel: what is lost where an image is shown coarse.

    Attributes:
        levels: How many bands count, the finest first.
    """

    levels: int = 4

    def __post_init__(self) -> None:
        whole_number(self.levels, "levels", 1, 16)

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        return normalised(energy_density(scene.image, cell, self.levels).sum(0))


@dataclass(frozen=True)
class Information:
    """How many bits a cell's Laplacian bands hold above the noise: energy counts in logarithm.

    Each band is taken as a Gaussian channel whose signal has the band's mean square in the cell: 1/2 log2(1 + S / N)
    bits a sample and channel, 4^-l samples a pixel in level l.

    Attributes:
        levels: How many bands count, the finest first.
        noise: Root mean square of what does not count, in the image's units.

    Source: Shannon 1948, "A Mathematical Theory of Communication", theorem 17.
    """

    levels: int = 4
    noise: float = 2 / 255

    def __post_init__(self) -> None:
        whole_number(self.levels, "levels", 1, 16)
        if isinstance(self.noise, bool) or not isinstance(self.noise, int | float) or not 0 < self.noise < math.inf:
            raise ValueError(f"noise must be a finite number above 0, got {shorten(self.noise)}")

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        channels = scene.image.shape[0]
        ratio = energy_density(scene.image, cell, self.levels) / (channels * self.noise**2)
        samples = 0.25 ** torch.arange(self.levels, dtype=torch.float64)
        return normalised((torch.log2(1 + ratio) * samples[:, None, None]).sum(0))
