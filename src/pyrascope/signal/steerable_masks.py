"""Frequency responses of the steerable pyramid: raised cosines in log2 radius, powers of a cosine in angle.

Every response is evaluated on the frequencies of the image itself, also where the spectrum has been cropped to
a coarser level, and is exactly zero at and beyond the edge of the crop. That makes every size exact, odd ones too.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from .._moved import names_of

CACHED_BYTES = 128 * 2**20  # responses of one pyramid that take more are computed anew each time
CACHED_PYRAMIDS = 8
PHASES = (1 + 0j, -1j, -1 + 0j, 1j)  # (-i)^order


@dataclass(frozen=True)
class Geometry:
    """What the responses depend on besides type and device; `angle` is that of the first orientation."""

    size: tuple[int, int]
    levels: int
    orientations: int
    complex: bool
    decimate: bool
    angle: float = 0.0

    def level_size(self, level: int) -> tuple[int, int]:
        """Rows and columns of the bands of `level`; of the low-pass residual for `level == levels`."""
        height, width = self.size
        return (-(-height >> level), -(-width >> level)) if self.decimate else self.size

    @property
    def angles(self) -> list[float]:
        """The angles of the orientations, not reduced to [0, pi)."""
        return [self.angle + math.pi * k / self.orientations for k in range(self.orientations)]


@dataclass(frozen=True)
class Responses:
    """The responses of one pyramid.

    Attributes:
        highpass: (h, w // 2 + 1), real, on the half-plane of `torch.fft.rfft2`.
        bands: Per level (channels, h_l, w_l), complex. A channel is one complex band, or two real bands as the
            real and imaginary part of one complex signal, or the last real band alone.
        lowpass: (h_L, w_L), real.
    """

    highpass: Tensor
    bands: tuple[Tensor, ...]
    lowpass: Tensor


def most_levels(size: tuple[int, int]) -> int:
    """The number of oriented levels after which only the mean is left in the low-pass residual."""
    return max(0, (max(size) - 1).bit_length() - 1)


def responses(layout: Geometry, dtype: torch.dtype, device: torch.device) -> Responses:
    """The responses for a spectrum of real type `dtype`, kept for the next call unless they are large."""
    area = sum(math.prod(layout.level_size(level)) for level in range(layout.levels))
    channels = layout.orientations if layout.complex else (layout.orientations + 1) // 2
    large = area * channels * 2 * dtype.itemsize > CACHED_BYTES
    return (_responses.__wrapped__ if large else _responses)(layout, dtype, device)


@lru_cache(maxsize=CACHED_PYRAMIDS)
def _responses(layout: Geometry, dtype: torch.dtype, device: torch.device) -> Responses:
    with torch.inference_mode(False), torch.no_grad():
        frequencies = grid(layout.size, layout.size)
        half = [f[..., : layout.size[1] // 2 + 1] for f in frequencies]
        last = grid(layout.size, layout.level_size(layout.levels))
        return Responses(
            highpass=high(half[0], half[1], 0).to(device, dtype),
            bands=tuple(level_response(layout, level).to(device, dtype.to_complex()) for level in range(layout.levels)),
            lowpass=low(*last, layout.levels).to(device, dtype),
        )


def grid(size: tuple[int, int], cropped: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Frequencies (fy, fx) in units of the Nyquist frequency of `size`, of a spectrum cropped to `cropped`."""
    fy, fx = (2 * signed_indices(crop).double() / n for n, crop in zip(size, cropped, strict=True))
    return fy[:, None], fx[None, :]


def signed_indices(n: int) -> Tensor:
    """The whole frequencies of an FFT of length `n`, in its order; the Nyquist frequency counts as negative."""
    k = torch.arange(n)
    return torch.where(2 * k < n, k, k - n)


def low(fy: Tensor, fx: Tensor, level: int) -> Tensor:
    """1 up to radius 2^-(level + 1), exactly 0 from radius 2^-level on, a quarter of a sine in log2 between."""
    return torch.sin(torch.clamp(-torch.hypot(fy, fx).log2() - level, 0, 1) * (math.pi / 2))


def high(fy: Tensor, fx: Tensor, level: int) -> Tensor:
    """The complement of `low`: the squares of both sum to 1."""
    return torch.sin(torch.clamp(torch.hypot(fy, fx).log2() + (level + 1), 0, 1) * (math.pi / 2))


def angular(fy: Tensor, fx: Tensor, angle: float, orientations: int) -> Tensor:
    """The response c cos^(K - 1) t, t the angle to a frequency of structure at `angle`; squares over K sum to 1."""
    order = orientations - 1
    square = 4**order * math.factorial(order) ** 2 / (orientations * math.factorial(2 * order))
    radius = torch.hypot(fy, fx)
    cosine = (fx * math.sin(angle) + fy * math.cos(angle)) / torch.where(radius > 0, radius, 1)
    return float(math.sqrt(square)) * cosine**order


def half_plane(fy: Tensor, fx: Tensor, angle: float) -> Tensor:
    """True for exactly one of each pair of opposite frequencies, on the side towards which `angular` is positive."""
    along = fx * math.sin(angle) + fy * math.cos(angle)
    across = fx * math.cos(angle) - fy * math.sin(angle)
    return (along > 0) | ((along == 0) & (across > 0))


def level_response(layout: Geometry, level: int) -> Tensor:
    """The channels of one level, complex128; see `Responses.bands`."""
    fy, fx = grid(layout.size, layout.level_size(level))
    radial = low(fy, fx, level) * high(fy, fx, level + 1)
    count = layout.orientations
    real = [radial * angular(fy, fx, angle, count) for angle in layout.angles]
    if layout.complex:
        halves = [half_plane(fy, fx, angle) for angle in layout.angles]
        channels = [torch.complex(2 * b * side, torch.zeros_like(b)) for b, side in zip(real, halves, strict=True)]
    else:
        padded = [*real, torch.zeros_like(radial)]
        channels = [torch.complex(padded[k], padded[k + 1]) for k in range(0, count, 2)]
    return torch.stack(channels) * PHASES[(count - 1) % 4]


__getattr__ = names_of(__name__)
