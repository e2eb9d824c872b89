"""Steering: oriented bands at any angle as mixtures of the bands at K angles."""

import dataclasses
import math

import torch
from torch import Tensor

from .arrays import Array, from_planes
from .steerable import SteerablePyramid, pyramid_planes
from .steerable_masks import grid, half_plane
from .steerable_transform import analytic, working_type


def steer(pyramid: SteerablePyramid[Array], angle: float) -> SteerablePyramid[Array]:
    """Returns the pyramid with its orientations turned: band k of each level is at `angle` + pi k / K.

    So `steer(pyramid, angle).bands[level][0]` is the band at `angle`, and the others complete a pyramid that
    `steerable_reconstruct` inverts as exactly as the first. It is what `steerable_pyramid` would have given with
    its bands at these angles, to rounding: a band steered to the angle of a band is that band, steering twice is
    steering to the last angle, and steering by pi multiplies real bands by (-1)^(K - 1). Energy is kept.

    Real bands are mixed with weights sin(K t) / (K sin t), t the angle between new and old orientation. Complex
    bands are the quadrature pairs of the real bands steered; their imaginary parts are not read, which loses
    nothing unless they were changed so that they are not quadrature pairs any more.

    Differentiable in the bands. The residuals are those of `pyramid`, not copied.

    Args:
        pyramid: A pyramid, perhaps steered before.
        angle: The angle of the new band 0 in radians, counter-clockwise, 0 = horizontal structure; absolute,
            whatever `pyramid.angle` is.

    Returns:
        Pyramid with the same shapes and types, and `angle` as given.

    Raises:
        TypeError: `pyramid` is not a SteerablePyramid, `angle` is not a number, or as in `steerable_reconstruct`.
        ValueError: `angle` is not finite, or as in `steerable_reconstruct`.

    Example:
        >>> import math, torch
        >>> from pyrascope.signal.steerable import steerable_pyramid
        >>> pyramid = steerable_pyramid(torch.eye(16, dtype=torch.float64), levels=1)  # a line down to the right
        >>> energy = [steer(pyramid, math.pi * k / 8).bands[0][0].square().sum().item() for k in range(8)]
        >>> [round(e, 3) for e in energy]  # greatest along the line, at 3 pi / 4
        [0.412, 0.01, 0.0, 0.01, 0.412, 2.048, 3.294, 2.048]

    Source:
        Freeman & Adelson 1991, "The Design and Use of Steerable Filters", theorem 3 and eq. 12.
    """
    _, bands, _ = pyramid_planes(pyramid)
    target = _finite(angle)
    weights = _weights(target - pyramid.angle, pyramid.orientations)
    steered = dataclasses.replace(pyramid, angle=target)
    rows = []
    for level, row in enumerate(bands):
        real = torch.stack([band.real if pyramid.complex else band for band in row])
        work = real.to(working_type(real.dtype))
        mixed = torch.tensordot(weights.to(work), work, dims=1)
        planes = list(mixed.to(real.dtype))
        if pyramid.complex:
            sides = [_side(steered, level, turned, mixed) for turned in steered.layout.angles]
            planes = [analytic(band, side) for band, side in zip(mixed, sides, strict=True)]
        rows.append(tuple(from_planes(band, pyramid.highpass, pyramid.channel_axis) for band in planes))
    return dataclasses.replace(steered, bands=tuple(rows))


def _weights(turn: float, orientations: int) -> Tensor:
    """(K, K): the weight of the band at pi k / K in that at `turn` + pi j / K; an orthogonal matrix."""
    angles = torch.arange(orientations, dtype=torch.float64) * (math.pi / orientations)
    difference = turn + angles[:, None] - angles
    # sin(K t) / (K sin t) as the sum that has no quotient 0 / 0.
    harmonics = torch.arange(1 - orientations, orientations, 2, dtype=torch.float64)
    return torch.cos(difference[..., None] * harmonics).mean(dim=-1)


def _side(pyramid: SteerablePyramid[Array], level: int, angle: float, like: Tensor) -> Tensor:
    """1 on the half of the frequencies of `level` on which the complex band at `angle` lies, else 0.

    The Nyquist frequency of an even size, which belongs to no oriented band, is left out.
    """
    cropped = pyramid.layout.level_size(level)
    fy, fx = grid(pyramid.size, cropped)
    inside = (fy.abs() * pyramid.size[0] < cropped[0]) & (fx.abs() * pyramid.size[1] < cropped[1])
    return (half_plane(fy, fx, angle) & inside).to(like)


def _finite(angle: object) -> float:
    """Returns `angle` as a float, refused if it is not a finite real number."""
    if isinstance(angle, bool | str | complex) or not hasattr(angle, "__float__"):
        raise TypeError(f"angle must be a number in radians, got {angle!r} ({type(angle).__name__})")
    value = float(angle)
    if not math.isfinite(value):
        raise ValueError(f"angle must be a finite number in radians, got {value}")
    return value
