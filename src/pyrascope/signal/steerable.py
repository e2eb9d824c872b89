"""The steerable pyramid: an image by scale and orientation, and the image back from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import numpy as np
import torch
from torch import Tensor

from .._check import whole_number
from .arrays import Array, from_planes, spatial_axes, to_planes
from .steerable_masks import Geometry, most_levels
from .steerable_transform import analyse, synthesise


@dataclass(frozen=True, eq=False)
class SteerablePyramid(Generic[Array]):
    """The bands of an image by scale and orientation, with all that `steerable_reconstruct` needs.

    Attributes:
        highpass: What is finer than the first oriented level, with the shape of the image.
        bands: `bands[level][orientation]`, level 0 the finest; orientation k is at `angle` + pi k / K.
        lowpass: What is coarser than the last oriented level.
        size: Rows and columns of the image.
        orientations: K.
        complex: Whether the bands are quadrature pairs.
        decimate: Whether level l has ceil(n / 2^l) rows and columns rather than those of the image.
        channel_axis: The axis of channels, as it was given.
        angle: The angle of orientation 0 in radians; not 0 only after `steer`.
    """

    highpass: Array = field(repr=False)
    bands: tuple[tuple[Array, ...], ...] = field(repr=False)
    lowpass: Array = field(repr=False)
    size: tuple[int, int]
    orientations: int
    complex: bool
    decimate: bool
    channel_axis: int | None = None
    angle: float = 0.0

    @property
    def levels(self) -> int:
        """The number of oriented levels."""
        return len(self.bands)

    @property
    def layout(self) -> Geometry:
        """What the frequency responses depend on."""
        return Geometry(self.size, self.levels, self.orientations, self.complex, self.decimate, self.angle)

    @property
    def overcompleteness(self) -> float:
        """Real numbers in the pyramid per number in the image.

        At sizes that halve L times: 1 + 4 K (1 - 4^-L) / 3 + 4^-L when decimated, 2 + K L when not; with
        complex bands K counts twice.
        """
        parts = 2 if self.complex else 1
        areas = [rows * columns for rows, columns in map(self.layout.level_size, range(self.levels + 1))]
        return 1 + (parts * self.orientations * sum(areas[:-1]) + areas[-1]) / (self.size[0] * self.size[1])


def steerable_pyramid(
    x: Array,
    levels: int | None = None,
    orientations: int = 4,
    complex: bool = False,
    decimate: bool = True,
    channel_axis: int | None = None,
) -> SteerablePyramid[Array]:
    """Returns the steerable pyramid of an image: a high-pass residual, oriented bands, a low-pass residual.

    Angles are in radians in [0, pi), counter-clockwise as the image is looked at, 0 = horizontal structure: a
    horizontal line excites the band at angle 0, `bands[level][0]`; band k of K is at pi k / K.

    Guarantees, at every size from 1x1 up, to rounding:

    * `steerable_reconstruct` is the exact inverse (1e-13 in float64, 1e-5 in float32, for images in [0, 1]).
    * Tight frame: with E the sum of squared magnitudes and g_l = h_l w_l / (h w) the share of pixels that level l
      keeps (1 if not decimated), E(x) = E(highpass) + s sum_l g_l E(bands[l]) + g_L E(lowpass); s is 1 for real
      and 1/2 for complex bands. Dividing bands by 2^l gives a Parseval frame at sizes that halve.
    * The real part of a complex band is the real band; the imaginary part is the same band a quarter of a period
      on, so that the magnitude is the local amplitude.
    * With as many levels as the size allows the low-pass residual holds nothing but the mean.

    Values are those of pyrtools and of plenoptic (`tight_frame=False`): decimated samples of level l are 1 / g_l
    times the undecimated ones. Their band b is at angle pi/2 - pi b / K; see `steer` for bands at any angle, and
    take it modulo pi with the sign (-1)^(K - 1). float16, bfloat16: computed in float32 and cast back (complex
    bands stay complex64); float16 overflows where the mean divided by g_l exceeds 65504. Differentiable. Borders
    are circular. A NaN spreads to all bands.

    Args:
        x: Image (..., h, w), or with channels on `channel_axis`; types as in `reduce`.
        levels: How many oriented levels, at least 0; None: as many as the size allows, ceil(log2(max(h, w))) - 1
            and at least 0, so that every level holds at least one frequency.
        orientations: How many orientations K, at least 1. Bands are even for odd K, odd (edges) for even K.
        complex: Make quadrature pairs instead of real bands.
        decimate: Halve the size from level to level; else every band has the size of the image.
        channel_axis: The axis of channels; None: rows and columns are the last two axes.

    Returns:
        Pyramid with arrays (..., h_l, w_l) of the kind of `x`, where h_l = ceil(h / 2^l) if decimated; level 0
        and the high-pass residual have the size of the image, the low-pass residual that of level `levels`.

    Raises:
        TypeError: `x` is neither a tensor nor an array, or holds bool, complex or other integers; `levels` or
            `orientations` is not an integer; `complex` or `decimate` is not a bool.
        ValueError: Fewer than two spatial axes, an empty one, or an unknown mode; more levels than the size allows, or
            `orientations` below 1.

    Example:
        >>> import torch
        >>> lines = torch.cos(torch.arange(16) * torch.pi / 2)[:, None].expand(16, 16)  # horizontal lines
        >>> pyramid = steerable_pyramid(lines, levels=2)
        >>> [round(band.square().mean().item(), 3) for band in pyramid.bands[0]]
        [0.4, 0.05, 0.0, 0.05]
        >>> [tuple(level[0].shape) for level in pyramid.bands], tuple(pyramid.lowpass.shape)
        ([(16, 16), (8, 8)], (4, 4))
        >>> torch.allclose(steerable_reconstruct(pyramid), lines, atol=1e-6)
        True

    Source:
        Simoncelli & Freeman 1995, "The Steerable Pyramid"; Portilla & Simoncelli 2000, "A Parametric Texture
        Model Based on Joint Statistics of Complex Wavelet Coefficients", section 2.1 (eqs. 1 to 3).
    """
    planes = to_planes(x, channel_axis)
    size = (planes.shape[-2], planes.shape[-1])
    most = most_levels(size)
    hint = f"an image of {size[0]}x{size[1]} allows {most} oriented levels; use levels={most} or a larger image"
    count = most if levels is None else whole_number(levels, "levels", 0, most, hint=hint)
    layout = Geometry(size, count, whole_number(orientations, "orientations", 1), *_flags(complex, decimate))
    highpass, bands, lowpass = analyse(planes, layout)
    return SteerablePyramid(
        from_planes(highpass, x, channel_axis),
        tuple(tuple(from_planes(band, x, channel_axis) for band in level) for level in bands),
        from_planes(lowpass, x, channel_axis),
        *(size, layout.orientations, layout.complex, layout.decimate, channel_axis),
    )


def steerable_reconstruct(
    pyramid: SteerablePyramid[Array],
    levels: int | Sequence[int] | None = None,
    orientations: int | Sequence[int] | None = None,
    residuals: bool = True,
) -> Array:
    """Returns the image of which `pyramid` is the steerable pyramid, or the part of it that some bands make.

    From all bands it is the exact inverse (see `steerable_pyramid`), also after `steer`. It is linear in the
    bands, so disjoint subsets add up to the whole. Of bands that were changed and belong to no image it gives
    the image whose pyramid is nearest in the norm of the tight frame; of complex bands, both parts count.

    Args:
        pyramid: A pyramid as `steerable_pyramid` or `steer` returns it, its bands perhaps changed
            (`dataclasses.replace`).
        levels: The oriented levels to use, 0 the finest; None: all. May be empty.
        orientations: The orientations to use; None: all. May be empty.
        residuals: Whether the high-pass and the low-pass residual are used.

    Returns:
        Image (..., h, w) of the kind and float type of `pyramid.highpass`.

    Raises:
        TypeError: `pyramid` is none, mixes NumPy and torch, or has real bands where they must be complex.
        ValueError: A band has not the shape that belongs to its level, or there is no such level or orientation.

    Example:
        >>> import torch
        >>> x = torch.arange(15.0, dtype=torch.float64).reshape(3, 5)
        >>> pyramid = steerable_pyramid(x)
        >>> fine = steerable_reconstruct(pyramid, levels=0, residuals=False)
        >>> rest = steerable_reconstruct(pyramid, levels=range(1, pyramid.levels))
        >>> torch.allclose(fine + rest, x, atol=1e-13)
        True

    Source:
        Simoncelli & Freeman 1995, "The Steerable Pyramid".
    """
    highpass, bands, lowpass = pyramid_planes(pyramid)
    layout = pyramid.layout
    chosen = _chosen(orientations, "orientations", layout.orientations)
    used = _chosen(levels, "levels", layout.levels)
    parts = [
        [band if level in used and k in chosen else None for k, band in enumerate(row)]
        for level, row in enumerate(bands)
    ]
    ends = (highpass, lowpass) if residuals else (None, None)
    image = synthesise(ends[0], parts, ends[1], layout, like=highpass)
    return from_planes(image, pyramid.highpass, pyramid.channel_axis)


def pyramid_planes(pyramid: SteerablePyramid[Array]) -> tuple[Tensor, list[list[Tensor]], Tensor]:
    """The arrays of a pyramid as tensors (..., h_l, w_l), refused where they do not belong together."""
    if not isinstance(pyramid, SteerablePyramid):
        raise TypeError(
            f"pyramid must be a SteerablePyramid, got {type(pyramid).__name__}; give what steerable_pyramid returned"
        )
    layout, axis, like = pyramid.layout, pyramid.channel_axis, pyramid.highpass
    bands, highpass = list[list[Tensor]](), to_planes(like, axis)
    _check(like, "the high-pass residual", like, layout.size, axis)
    for level, row in enumerate(pyramid.bands):
        if len(row) != layout.orientations:
            raise ValueError(f"level {level} must have {layout.orientations} orientations, got {len(row)} bands")
        for band in row:
            _check(band, f"the bands of level {level}", like, layout.level_size(level), axis)
        bands.append([_band_planes(band, layout.complex, level, axis) for band in row])
    _check(pyramid.lowpass, "the low-pass residual", like, layout.level_size(layout.levels), axis)
    return highpass, bands, to_planes(pyramid.lowpass, axis)


def _check(array: object, name: str, like: Any, size: tuple[int, int], channel_axis: int | None) -> None:
    """Refuses an array of another kind than `like`, or whose rows and columns are not `size`."""
    if not isinstance(array, Tensor | np.ndarray) or isinstance(array, Tensor) != isinstance(like, Tensor):
        expected = "tensors" if isinstance(like, Tensor) else "arrays"
        raise TypeError(f"{name} must be {expected} like the high-pass residual, got {type(array).__name__}")
    axes = dict(zip(spatial_axes(like.shape, channel_axis), size, strict=True))
    shape = tuple(axes.get(axis, n) for axis, n in enumerate(like.shape))
    if tuple(array.shape) != shape:
        raise ValueError(
            f"{name} must have shape {shape}, got {tuple(array.shape)}; give the bands of one steerable_pyramid"
        )


def _band_planes(band: Array, complex: bool, level: int, channel_axis: int | None) -> Tensor:
    """`to_planes` of a band that may be complex."""
    is_complex = band.is_complex() if isinstance(band, Tensor) else bool(np.iscomplexobj(band))
    if is_complex != complex:
        kinds = ("complex", "real") if complex else ("real", "complex")
        raise TypeError(f"the bands of level {level} must be {kinds[0]} in this pyramid, got {kinds[1]} ones")
    if not complex:
        return to_planes(band, channel_axis)
    return torch.complex(to_planes(band.real, channel_axis), to_planes(band.imag, channel_axis))


def _flags(complex: object, decimate: object) -> tuple[bool, bool]:
    for value, name in ((complex, "complex"), (decimate, "decimate")):
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {value!r} ({type(value).__name__})")
    return bool(complex), bool(decimate)


def _chosen(which: int | Sequence[int] | None, name: str, count: int) -> set[int]:
    """The indices that `which` names, all of them for None."""
    if which is None:
        return set(range(count))
    items = which if isinstance(which, Sequence | set | frozenset | np.ndarray) else [which]
    hint = f"the pyramid has {count} {name}"
    return {whole_number(item, name, 0, count - 1, hint=hint) for item in items}
