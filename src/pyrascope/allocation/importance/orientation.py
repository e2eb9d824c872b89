"""Importance of directed structure: steerable energy per orientation, and the structure tensor beside it.

Angles are those of the library: radians in [0, pi), counter-clockwise as the image is looked at, 0 = horizontal.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ..._check import shorten, whole_number
from ...signal.boundary import mirror
from ...signal.steerable_masks import angular, grid, high
from ..contracts.allocator import Scene
from ..ties import magnitude, margin_of
from .importance import normalised, on_cells
from .planes import levelled, luminance

FINEST, COARSEST = 8, 32  # sides of a block in pixels: orientation needs some room, and long spectra some time
AT_ONCE = 1 << 22  # samples of windows that are transformed together


def orientation_energy(image: Tensor, cell: int, orientations: int = 8, size: float | None = None) -> Tensor:
    """Returns the energy of structure at each orientation around each cell, whatever its phase.

    The squared magnitude of complex steerable bands, all scales together, found by Parseval's theorem in the spectrum
    of a smooth window (Hann, twice the cell's side) around the cell: the bands' squared angular responses, times the
    spectrum's squares. So nothing wraps around the border, and one short FFT a cell serves all orientations. Waves
    longer than the window's half count less, those longer than the window not at all. For white noise the energies
    of all orientations sum to most of its variance.

    Args:
        image: Floating (c, h, w); its luminance counts.
        cell: Side of a cell in pixels. Below 8, cells share the energy of a block of 8; above 32, they get the mean
            of blocks of 32.
        orientations: K, at least 1; orientation k is at pi k / K.
        size: Of the values from which the image came as a difference; None: of its own. What of it is nothing but
            rounding has no energy.

    Returns:
        float64 (K, rows, columns) on the CPU, in squared value.

    Source: Simoncelli & Freeman 1995, "The Steerable Pyramid" (angular responses).
    """
    plane = luminance(levelled(image))
    height, width = plane.shape[-2:]
    block = min(max(cell, FINEST), COARSEST)
    side = 2 * block
    response = _responses(side, orientations).to(plane)
    window = torch.sin((torch.arange(side) + 0.5) * (math.pi / side)).square().to(plane)
    window = window[:, None] * window
    ys, xs = (_windows(pixels, block).to(plane.device) for pixels in (height, width))
    strip = max(1, AT_ONCE // (len(xs) * side * side))
    strips = [ys[first : first + strip] for first in range(0, len(ys), strip)]
    found = [_energies(plane, rows, xs, window, response) for rows in strips]
    energy = torch.cat(found).movedim(-1, 0).double().cpu()
    shape = (len(ys) * block, len(xs) * block)
    energy = on_cells(energy, shape, cell)[:, : -(-height // cell), : -(-width // cell)]
    rounding = margin_of(image.dtype) * (magnitude(image) if size is None else size)
    return energy * (energy.sum(0) > rounding**2)


def _windows(pixels: int, block: int) -> Tensor:
    """Which pixels of an axis each block's window shows, (blocks, 2 block), kept inside the image where it fits."""
    starts = (torch.arange(-(-pixels // block)) * block - block // 2).clamp(min=0, max=max(pixels - 2 * block, 0))
    places = starts[:, None] + torch.arange(2 * block)
    if pixels < 2 * block:
        places = torch.tensor([mirror(i, pixels) for i in range(2 * block)]).expand_as(places)
    return places


def _energies(plane: Tensor, ys: Tensor, xs: Tensor, window: Tensor, response: Tensor) -> Tensor:
    """(rows, columns, K): energy in the windows of rows `ys` and columns `xs`."""
    (rows, side), columns = ys.shape, xs.shape[0]
    views = plane[ys.flatten()][:, xs.flatten()].reshape(rows, side, columns, side).transpose(1, 2)
    mean = (views * window).sum((-2, -1), keepdim=True) / window.sum()
    spectrum = torch.fft.rfft2((views - mean) * window)
    power = torch.view_as_real(spectrum).square().sum(-1).flatten(-2)
    found: Tensor = power @ response / window.square().sum()
    return found


@lru_cache(maxsize=16)
def _responses(side: int, orientations: int) -> Tensor:
    """(side * (side // 2 + 1), K): squared responses over the half spectrum, both halves counted, per sample."""
    with torch.inference_mode(False), torch.no_grad():
        fy, fx = grid((side, side), (side, side))
        fx = fx[:, : side // 2 + 1].abs()
        twice = torch.full_like(fx, 2.0)
        twice[:, 0] = 1.0
        inside = torch.hypot(fy, fx) < 1  # beyond the Nyquist frequency only corners are left, at two angles
        radial = (high(fy, fx, (side - 1).bit_length() - 2).square() * inside * twice).flatten() / side**2
        angles = [math.pi * k / orientations for k in range(orientations)]
        return torch.stack([radial * angular(fy, fx, a, orientations).square().flatten() for a in angles], -1)


def doubled(energy: Tensor) -> Tensor:
    """Returns the complex sum of energies (K, ...) at twice their angle: its argument is twice the dominant angle."""
    count = energy.shape[0]
    angles = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    turns = torch.polar(torch.ones_like(angles), angles)
    found: Tensor = torch.tensordot(turns, energy.to(turns), dims=1)
    return found


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
            raise ValueError(f"angle must be a finite number in radians or None, got {shorten(self.angle)}")

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        directed = doubled(orientation_energy(scene.image, cell, self.orientations))
        if self.angle is None:
            return normalised(directed.abs())
        turn = directed * complex(math.cos(2 * self.angle), -math.sin(2 * self.angle))
        return normalised(turn.real.clamp(min=0))
