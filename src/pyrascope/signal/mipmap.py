"""Mipmaps: chains of halved images, as graphics hardware makes them."""

import torch
from torch import Tensor

from .._check import whole_number
from .arrays import Array, from_planes, to_planes


def mipmap(x: Array, levels: int | None = None, channel_axis: int | None = None) -> list[Array]:
    """Returns an image and its successive halves, fine to coarse, as glGenerateMipmap makes them.

    Each level has max(1, floor(n / 2)) rows and columns of the one before, OpenGL's rule; the other pyramids of
    this package round up. Even sizes take the mean of 2x2 pixels. Odd ones interpolate linearly at the pixel
    centres of the coarse level, per axis, which is what OpenGL implementations do; an axis of one pixel stays.
    Constants are kept to rounding. Level 0 is the image: of a float tensor it is `x` itself or a view of it,
    not a copy; of a float array it shares the memory, as in `gaussian_pyramid`. Linear and differentiable.

    Args:
        x: Image (..., h, w), or with channels on `channel_axis`; types as in `reduce`.
        levels: How many levels, level 0 counted, at least 1; None: down to 1x1. Further levels repeat 1x1.
        channel_axis: The axis of channels; None: rows and columns are the last two axes.

    Returns:
        List of images, NumPy for NumPy and torch for torch.

    Raises:
        TypeError: `x` is neither a tensor nor an array, or holds bool, complex or other integers; `levels` is not an
            integer.
        ValueError: Fewer than two spatial axes, an empty one, or an unknown mode; `levels` is below 1.

    Example:
        >>> [tuple(level.shape) for level in mipmap(torch.ones(3, 5, 12))]
        [(3, 5, 12), (3, 2, 6), (3, 1, 3), (3, 1, 1)]
        >>> mipmap(torch.tensor([[0.0, 4.0, 8.0, 16.0, 32.0]]))[1:]
        [tensor([[ 3., 20.]]), tensor([[11.5000]])]

    Source:
        Williams 1983, "Pyramidal Parametrics"; OpenGL 4.6 core specification, section 8.14.4.
    """
    planes = to_planes(x, channel_axis)
    largest = max(planes.shape[-2:]).bit_length()
    chain = [planes]
    for _ in range((largest if levels is None else whole_number(levels, "levels", 1)) - 1):
        chain.append(halve(chain[-1]))
    return [from_planes(level, x, channel_axis) for level in chain]


def half(size: int) -> int:
    """How many pixels the next level has along an axis of `size`."""
    return max(1, size // 2)


def halving_taps(size: int) -> list[tuple[slice, Tensor]]:
    """Which pixels of an axis make the next level, and how much of each: slices and whole weights int64 (n,).

    The weights of a coarse pixel have the same sum everywhere. For 2n + 1 pixels its centre lies at
    2k + 1 + (2k + 1) / 2n, so that the weights of the pixels 2k, 2k + 1 and 2k + 2 are multiples of 1 / 2n.

    Example:
        >>> [weight.tolist() for _, weight in halving_taps(5)]
        [[1, 0], [3, 3], [0, 1]]
    """
    count = half(size)
    one = torch.ones(count, dtype=torch.int64)
    if size == 1:
        return [(slice(0, 1), one)]
    if size % 2 == 0:
        return [(slice(0, None, 2), one), (slice(1, None, 2), one)]
    ahead = 2 * torch.arange(count) + 1 - count
    weights = (-ahead).clamp(min=0), 2 * count - ahead.abs(), ahead.clamp(min=0)
    return [(slice(tap, tap + 2 * count - 1, 2), weight) for tap, weight in enumerate(weights)]


def halve(planes: Tensor) -> Tensor:
    """The next level of a float tensor (..., h, w)."""
    if planes.shape[-2] % 2 == planes.shape[-1] % 2 == 0:
        odd, even = planes[..., 1::2, :], planes[..., ::2, :]
        return (even[..., ::2] + even[..., 1::2] + odd[..., ::2] + odd[..., 1::2]) * 0.25
    for axis in (-2, -1):
        taps = halving_taps(planes.shape[axis])
        total = sum(int(weight[0]) for _, weight in taps)
        parts = [planes[..., cut, :] if axis == -2 else planes[..., cut] for cut, _ in taps]
        if len(taps) == 2:
            planes = (parts[0] + parts[1]) * 0.5
        elif len(taps) == 3:
            shares = [(weight.double() / total).to(planes) for _, weight in taps]
            shares = [share[:, None] if axis == -2 else share for share in shares]
            planes = parts[0] * shares[0] + parts[1] * shares[1] + parts[2] * shares[2]
    return planes
