"""Importance of directed structure: steerable energy per orientation, and the structure tensor beside it.

Angles are those of the library: radians in [0, pi), counter-clockwise as the image is looked at, 0 = horizontal.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..._check import whole_number
from ...signal.resample import integrate_rows
from ...signal.steerable import steerable_pyramid
from ..allocator import Scene
from .importance import cell_edges, normalised, on_cells
from .planes import levelled, luminance, mirrored

LEVELS = 4
MARGIN = 32  # pixels of mirror image on each side, since the bands see the image as periodic


def orientation_energy(image: Tensor, cell: int, orientations: int = 8) -> Tensor:
    """Returns the energy of structure at each orientation in each cell, from complex steerable bands.

    The squared magnitude (local amplitude, whatever the phase) of the four finest levels of the luminance, averaged
    over the cell: for white noise and one cell, together with the residuals, the variance per pixel.

    Args:
        image: Floating (c, h, w).
        cell: Side of a cell in pixels.
        orientations: K, at least 1; orientation k is at pi k / K.

    Returns:
        float64 (K, rows, columns) on the CPU, in squared value.

    Source: Simoncelli & Freeman 1995, "The Steerable Pyramid".
    """
    plane = luminance(levelled(image))
    size = (plane.shape[-2], plane.shape[-1])
    unit = 2**LEVELS
    padded = tuple(-(-(n + 2 * MARGIN) // unit) * unit for n in size)
    wide = mirrored(plane, (MARGIN, MARGIN), (padded[0], padded[1]))
    pyramid = steerable_pyramid(wide, levels=LEVELS, orientations=orientations, complex=True)
    total = torch.zeros(())
    for level, bands in enumerate(pyramid.bands):
        energy = torch.stack([band.real.square() + band.imag.square() for band in bands])
        total = total + _cell_means(energy, size, cell, level, padded) * (0.5 * 16.0**-level)
    return total.cpu()


def _cell_means(energy: Tensor, size: tuple[int, int], cell: int, level: int, padded: tuple[int, ...]) -> Tensor:
    """Means over the cells of samples that sit on every 2^level-th pixel of the padded image, the first included."""
    for pixels, whole in zip(size, padded, strict=True):
        edges = cell_edges(pixels, cell)
        # A sample stands for the 2^level pixels around its own.
        places = (edges + MARGIN + 2**level / 2 - 0.5) / whole
        sums = integrate_rows(energy, places) / (edges.diff() / whole).to(energy.device)[:, None]
        energy = sums.transpose(-1, -2)
    return energy


def doubled(energy: Tensor) -> Tensor:
    """Returns the complex sum of energies (K, ...) at twice their angle: its argument is twice the dominant angle."""
    count = energy.shape[0]
    angles = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    turns = torch.polar(torch.ones_like(angles), angles)
    return torch.tensordot(turns, energy.to(turns), dims=1)


def dominant_angle(energy: Tensor) -> Tensor:
    """Returns the angle in [0, pi) of the structure that energies (K, rows, columns) come from; 0 where there is none.

    Half the argument of the energies summed at twice their angle: continuous, and not bound to the K angles.
    """
    return _half_turn(doubled(energy).angle() / 2)


def anisotropy(energy: Tensor) -> Tensor:
    """Returns how far energies (K, rows, columns) point one way: 0 none or all alike, 1 a single orientation.

    The length of the energies summed at twice their angle, over their sum; times K / (K - 1), since steerable bands
    spread a single orientation over their neighbours. At most 1.
    """
    count = energy.shape[0]
    total = energy.double().sum(0)
    share = doubled(energy).abs() / total.where(total > 0, 1.0)
    return (share * (count / max(count - 1, 1))).clamp(max=1.0) if count > 1 else torch.zeros_like(total)


def structure_tensor(image: Tensor, cell: int) -> tuple[Tensor, Tensor]:
    """Returns the angle in [0, pi) and the coherence in [0, 1] of each cell, from the gradient of the luminance.

    With l1 >= l2 the eigenvalues of the mean outer product of the gradient in the cell, the coherence is
    (l1 - l2) / (l1 + l2), and 0 where there is no gradient. The structure lies across the gradient.

    Returns:
        Two float64 (rows, columns) on the CPU.

    Source: Bigun & Granlund 1987; coherence as in Jaehne, "Digital Image Processing"; gradient by Scharr's filter.
    """
    y, x = gradient(luminance(levelled(image)))
    size = (y.shape[-2], y.shape[-1])
    xx, yy, xy = on_cells(torch.stack([x * x, y * y, x * y]), size, cell).cpu()
    # y points down, angles turn against the clock as looked at; across the gradient is a quarter turn, half doubled.
    twice = torch.complex(yy - xx, 2 * xy)
    total = xx + yy
    return _half_turn(twice.angle() / 2), (twice.abs() / total.where(total > 0, 1.0)).clamp(max=1.0)


def gradient(plane: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the derivative of (..., h, w) along y (down) and x per pixel, by Scharr's 3x3 filter; edges repeated."""
    wide = torch.nn.functional.pad(plane[None], (1, 1, 1, 1), mode="replicate")[0]
    along = {}
    for axis in (-2, -1):
        n, across = plane.shape[axis], -3 - axis
        slope = (wide.narrow(axis, 2, n) - wide.narrow(axis, 0, n)) / 2
        m = plane.shape[across]
        ends = slope.narrow(across, 0, m) + slope.narrow(across, 2, m)
        along[axis] = (3 * ends + 10 * slope.narrow(across, 1, m)) / 16
    return along[-2], along[-1]


def _half_turn(angle: Tensor) -> Tensor:
    """Angles into [0, pi); what rounds up to pi is 0."""
    turned = angle.remainder(math.pi)
    return turned.where(turned < math.pi, 0.0)


@dataclass(frozen=True)
class Orientation:
    """Energy that points one way: edges, lines and rows of text count, isotropic texture does not.

    Attributes:
        orientations: How many orientations the steerable bands have, at least 3.
        angle: Count only structure near this angle in radians; None: whichever way the cell points.
    """

    orientations: int = 8
    angle: float | None = None

    def __post_init__(self) -> None:
        whole_number(self.orientations, "orientations", 3, 32)
        if self.angle is not None and not math.isfinite(self.angle):
            raise ValueError(f"angle must be a finite number in radians or None, got {self.angle!r}")

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        directed = doubled(orientation_energy(scene.image, cell, self.orientations))
        if self.angle is None:
            return normalised(directed.abs())
        turn = directed * complex(math.cos(2 * self.angle), -math.sin(2 * self.angle))
        return normalised(turn.real.clamp(min=0))
