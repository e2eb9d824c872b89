"""Importance from the Laplacian pyramid: what the finer levels add."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..._check import whole_number
from ...signal.laplacian import laplacian_pyramid
from ..allocator import Scene
from ..distortion import box_sums
from ..measure import Measure
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
    return [torch.from_numpy(box_sums(square, (cell, cell))) for square in squares]


def energy_density(image: Tensor, cell: int, levels: int) -> Tensor:
    """Returns `band_energy` per source pixel, each box's spread evenly over its cells, float64 (levels, rows, columns)."""
    found = []
    for level, energy in enumerate(band_energy(image, cell, levels)):
        rows, columns = (cell_edges(n, cell * 2**level).diff() for n in image.shape[-2:])
        density = energy / (rows[:, None] * columns)
        for axis in (0, 1):
            density = density.repeat_interleave(2**level, dim=axis)
        found.append(density[: -(-image.shape[-2] // cell), : -(-image.shape[-1] // cell)])
    return torch.stack(found)


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
