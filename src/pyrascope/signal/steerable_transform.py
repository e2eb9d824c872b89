"""The steerable pyramid of float tensors: one spectrum, cropped from level to level, times the responses.

Two real bands travel as the real and imaginary part of one signal. The way back is the adjoint of the way there,
and since the image is real only the real part of its result is kept: that undoes the packing by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor

from .backend import usable
from .steerable_masks import Geometry, responses

KERNELS = "pyrascope.signal.kernels.spectrum"
SMALLEST = 1 << 14  # samples below which kernels save nothing that their loading would not cost

Bands = Sequence[Sequence[Tensor | None]]


def analyse(planes: Tensor, layout: Geometry) -> tuple[Tensor, list[list[Tensor]], Tensor]:
    """High-pass residual, bands and low-pass residual of a float tensor (..., h, w)."""
    work = planes.to(working_type(planes.dtype))
    if not work.numel():
        return _nothing(planes, layout)
    masks = responses(layout, work.dtype, work.device)
    kernels = usable(KERNELS, work) if work.numel() >= SMALLEST else None
    half = torch.fft.rfft2(work)
    filters = kernels.Filters(half, layout.size[1]) if kernels else None
    sharp = filters.half_plane(masks.highpass) if filters else half * masks.highpass
    highpass = torch.fft.irfft2(sharp, s=layout.size)
    *rows, last = filtered(half, layout.size[1], [*masks.bands, masks.lowpass[None]], filters)
    bands = [list(row) if layout.complex else _unpack(row, layout.orientations, planes.dtype, kernels) for row in rows]
    (lowpass,) = _unpack(last, 1, planes.dtype, kernels)
    return highpass.to(planes.dtype), bands, lowpass


def synthesise(highpass: Tensor | None, bands: Bands, lowpass: Tensor | None, layout: Geometry, like: Tensor) -> Tensor:
    """The adjoint of `analyse` in the norm of the tight frame, of the parts that are not None, as planes `like`."""
    if not like.numel():
        return like.clone()
    work = working_type(like.dtype)
    masks = responses(layout, work, like.device)
    lead = like.shape[:-2]
    spectrum = like.new_zeros((*lead, *layout.level_size(layout.levels)), dtype=work.to_complex())
    if lowpass is not None:
        spectrum = torch.fft.fft2(lowpass.to(work)) * masks.lowpass
    for response, row in zip(reversed(masks.bands), reversed(bands), strict=True):
        signals = [(s, r) for s, r in zip(_pack(row, layout.complex, work), response, strict=True) if s is not None]
        finer = like.new_zeros((*lead, *response.shape[-2:]), dtype=work.to_complex())
        for signal, channel in signals:
            finer.addcmul_(torch.fft.fft2(signal), channel.conj(), value=0.5 if layout.complex else 1)
        spectrum = embed(finer, spectrum)
    if highpass is not None:
        half = torch.fft.rfft2(highpass.to(work)) * masks.highpass
        # Only the real part of the result counts, so columns that stand for their mirror images count twice.
        twice = torch.ones(half.shape[-1], dtype=work, device=like.device)
        twice[1 : (layout.size[1] + 1) // 2] = 2
        spectrum[..., : half.shape[-1]] += half * twice
    image: Tensor = torch.fft.ifft2(spectrum).real
    return image.to(like.dtype)


def analytic(band: Tensor, side: Tensor) -> Tensor:
    """The complex band of which `band` is the real part, with all its frequencies where `side` is 1."""
    if not band.numel():
        return torch.complex(band, band)
    spectrum: Tensor = torch.fft.fft2(band)
    return cast(Tensor, torch.fft.ifft2(spectrum * (2 * side)))


def working_type(dtype: torch.dtype) -> torch.dtype:
    """The real type that is computed in; FFTs of half types are missing on most devices."""
    return torch.float64 if dtype in (torch.float64, torch.complex128) else torch.float32


def filtered(half: Tensor, width: int, responses: Iterable[Tensor], filters: Any) -> Iterator[Iterator[Tensor]]:
    """For each of `responses` (channels, h_l, w_l): per channel the inverse transform of the spectrum times it."""
    spectrum = half if filters else whole_plane(half, width)
    for response in responses:
        if not filters:
            spectrum = crop(spectrum, (response.shape[-2], response.shape[-1]))
        times = filters.whole_plane if filters else partial(torch.mul, spectrum)
        # Lazily, so that one product is alive at a time.
        yield map(torch.fft.ifft2, map(times, response))


def whole_plane(half: Tensor, width: int) -> Tensor:
    """Returns the spectrum (..., h, width) of a real image from the half of it that `torch.fft.rfft2` gives."""
    kept, mirrored = half.shape[-1], slice(1, (width + 1) // 2)
    whole = half.new_empty((*half.shape[:-1], width))
    whole[..., :kept] = half
    # Row 0 is its own opposite, the others change places.
    whole[..., :1, kept:] = half[..., :1, mirrored].flip(-1).conj()
    whole[..., 1:, kept:] = half[..., 1:, mirrored].flip((-2, -1)).conj()
    return whole


def crop(spectrum: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns the `size` lowest frequencies of a spectrum (..., h, w), in the order of an FFT of that size."""
    for axis, n in zip((-2, -1), size, strict=True):
        if spectrum.shape[axis] != n:
            first, rest = (n + 1) // 2, n // 2
            ends = [spectrum.narrow(axis, 0, first), spectrum.narrow(axis, spectrum.shape[axis] - rest, rest)]
            spectrum = torch.cat(ends, dim=axis)
    return spectrum


def embed(spectrum: Tensor, low: Tensor) -> Tensor:
    """Adds `low` to the lowest frequencies of `spectrum`, in place unless it covers them: the adjoint of `crop`."""
    if spectrum.shape == low.shape:
        return spectrum + low
    (height, width), (h, w) = spectrum.shape[-2:], low.shape[-2:]
    # Where the non-negative and the negative frequencies of each axis go, and where they come from.
    rows = (slice(0, (h + 1) // 2), slice(0, (h + 1) // 2)), (slice(height - h // 2, height), slice((h + 1) // 2, h))
    columns = (slice(0, (w + 1) // 2), slice(0, (w + 1) // 2)), (slice(width - w // 2, width), slice((w + 1) // 2, w))
    for (to_row, row), (to_column, column) in product(rows, columns):
        spectrum[..., to_row, to_column] += low[..., row, column]
    return spectrum


def _nothing(planes: Tensor, layout: Geometry) -> tuple[Tensor, list[list[Tensor]], Tensor]:
    """`analyse` of an empty batch, at which FFT libraries fail."""
    dtype = working_type(planes.dtype).to_complex() if layout.complex else planes.dtype
    shapes = [(*planes.shape[:-2], *layout.level_size(level)) for level in range(layout.levels + 1)]
    bands = [[planes.new_zeros(shape, dtype=dtype) for _ in range(layout.orientations)] for shape in shapes[:-1]]
    return planes.clone(), bands, planes.new_zeros(shapes[-1])


def _unpack(signals: Iterable[Tensor], count: int, dtype: torch.dtype, kernels: ModuleType | None) -> list[Tensor]:
    """The `count` real bands that `signals` carry in their real and imaginary parts."""
    bands = list[Tensor]()
    for signal in signals:
        share = min(2, count - len(bands))
        if kernels:
            parts = kernels.parts(signal, share)
        else:
            parts = [part.contiguous() for part in (signal.real, signal.imag)[:share]]
        bands += [part.to(dtype) for part in parts]
    return bands


def _pack(row: Sequence[Tensor | None], complex: bool, work: torch.dtype) -> list[Tensor | None]:
    """The signals, one per channel of the responses, that carry the bands of one level."""
    if complex:
        return [None if band is None else band.to(work.to_complex()) for band in row]
    bands = [None if band is None else band.to(work) for band in row]
    firsts, seconds = bands[::2], [*bands[1::2], *[None] * (len(bands) % 2)]
    return [_pair(first, second) for first, second in zip(firsts, seconds, strict=True)]


def _pair(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if second is None:
        return first
    return torch.complex(torch.zeros_like(second) if first is None else first, second)
