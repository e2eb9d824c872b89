"""The pair of five-tap filters under the pyramids: `reduce` halves an image, `expand` doubles it.

Here they are strided slices and sums, which differentiate, compile and vmap on every device. On a CPU compiled kernels
take their place where they can, with equal results to rounding: see `backend`.
"""

import torch
from torch import Tensor

from .._check import one_of, whole_number
from .._typing import BoundaryMode
from . import backend
from .arrays import Array, from_planes, to_planes
from .boundary import MODES, mirror, sample_at, source


def reduce(x: Array, mode: BoundaryMode = "reflect", channel_axis: int | None = None) -> Array:
    """Smooths with [1 4 6 4 1] / 16 along rows and columns and keeps every second sample, the first included.

    Constants are kept at every size, except under `mode="constant"`. With circular borders and even sizes the
    adjoint is `expand`: <reduce(x), y> = <x, expand(y)> / 4. NaN stays NaN.

    Args:
        x: Image (..., h, w), or with channels on `channel_axis`; float16, bfloat16 (computed in float32),
            float32, float64, or uint8 and uint16, which become float32 in [0, 1].
        mode: What lies beyond the border: "reflect" (mirror, edge not repeated), "replicate" (the edge),
            "circular" (the far side) or "constant" (zeros).
        channel_axis: The axis of channels; None: rows and columns are the last two axes.

    Returns:
        A new image of ceil(h / 2) rows and ceil(w / 2) columns, NumPy for NumPy and torch for torch.

    Raises:
        TypeError: `x` is neither tensor nor array, or holds bool, complex or other integers.
        ValueError: Fewer than two spatial axes, an empty one, or an unknown mode.

    Example:
        >>> reduce(torch.tensor([[0.0, 0.0, 16.0, 0.0, 0.0]]))
        tensor([[2., 6., 2.]])

    Source:
        Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code", eq. 1 with a = 3/8.
    """
    one_of(mode, "mode", MODES)
    return from_planes(reduce_planes(to_planes(x, channel_axis), mode), x, channel_axis)


def expand(x: Array, size: tuple[int, int], mode: BoundaryMode = "reflect", channel_axis: int | None = None) -> Array:
    """Doubles an image: zeros between its samples, then [1 4 6 4 1] / 8 along rows and columns.

    Constants are kept at every size, except under `mode="constant"`. "reflect" mirrors the finer level (along
    even sides as OpenCV's `pyrUp` does, which crops the last sample for odd ones); the other modes extend the
    coarser level.

    Args:
        x: Image (..., h, w), or with channels on `channel_axis`; types as in `reduce`.
        size: Rows and columns of the finer level: 2h or 2h - 1, and 2w or 2w - 1.
        mode: What lies beyond the border, as in `reduce`.
        channel_axis: The axis of channels; None: rows and columns are the last two axes.

    Returns:
        A new image with `size` rows and columns, NumPy for NumPy and torch for torch.

    Raises:
        TypeError: `x` is neither a tensor nor an array, or holds bool, complex or other integers; `size` is not a pair
            of integers.
        ValueError: Fewer than two spatial axes, an empty one, or an unknown mode; `size` is not that of a finer level
            of `x`.

    Example:
        >>> expand(torch.tensor([[0.0, 8.0, 0.0]]), size=(1, 5))
        tensor([[2., 4., 6., 4., 2.]])

    Source:
        Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code", eq. 2 with a = 3/8.
    """
    one_of(mode, "mode", MODES)
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise TypeError(f"size must be a pair (rows, columns), got {size!r}; give the finer level's size")
    rows, columns = (whole_number(n, "size", 1) for n in size)
    planes = to_planes(x, channel_axis)
    h, w = planes.shape[-2:]
    if (coarser(rows), coarser(columns)) != (h, w):
        raise ValueError(
            f"size must be {2 * h - 1} or {2 * h} rows and {2 * w - 1} or {2 * w} columns for an image of "
            f"{h} rows and {w} columns, got {tuple(size)}; give the size of the level that was reduced to it"
        )
    return from_planes(expand_planes(planes, (rows, columns), mode), x, channel_axis)


def coarser(n: int) -> int:
    """Returns how many of `n` samples `reduce` keeps along an axis: ceil(n / 2)."""
    return (n + 1) // 2


def reduce_planes(planes: Tensor, mode: BoundaryMode) -> Tensor:
    """`reduce` on a float tensor (..., h, w), without checks."""
    x = _wide(planes)
    kernels = backend.kernels(x, x.numel())
    if kernels is not None:
        return kernels.reduce(x, mode).to(planes.dtype)
    # Rows first: the costly, strided pass along a row then runs over half the samples.
    return halve_axis(halve_axis(x, -2, mode), -1, mode).to(planes.dtype)


def expand_planes(planes: Tensor, size: tuple[int, int], mode: BoundaryMode) -> Tensor:
    """`expand` on a float tensor (..., h, w), without checks."""
    x = _wide(planes)
    kernels = backend.kernels(x, 4 * x.numel())
    if kernels is not None:
        return kernels.expand(x, size, mode).to(planes.dtype)
    return double_axis(double_axis(x, -1, size[1], mode), -2, size[0], mode).to(planes.dtype)


def halve_axis(x: Tensor, axis: int, mode: BoundaryMode) -> Tensor:
    """`reduce` along one axis, -2 or -1."""
    n, m = x.shape[axis], coarser(x.shape[axis])
    outer, before, after, end = (sample_at(x, axis, source(i, n, mode)) for i in (-2, -1, n, 2 * m))
    # Samples -2, 0, 2, ..., 2m and -1, 1, ..., 2m - 1: contiguous copies, of which the sums below are fast.
    even = torch.cat([outer, _every_second(x, axis, 0), end], axis)
    odd = torch.cat([before, _every_second(x, axis, 1), *[after] * (n % 2)], axis)
    out = even.narrow(axis, 0, m) + even.narrow(axis, 2, m)
    out = out.add_(even.narrow(axis, 1, m), alpha=6)
    out = out.add_(odd.narrow(axis, 0, m), alpha=4).add_(odd.narrow(axis, 1, m), alpha=4)
    return out.mul_(1 / 16)


def double_axis(x: Tensor, axis: int, size: int, mode: BoundaryMode) -> Tensor:
    """`expand` along one axis, -2 or -1, to `size` samples."""
    m = x.shape[axis]
    # Reflection acts on the finer level, where an even index is mirrored to an even one.
    before, after = (mirror(2 * k, size) // 2 if mode == "reflect" else source(k, m, mode) for k in (-1, m))
    x = torch.cat([sample_at(x, axis, before), x, sample_at(x, axis, after)], axis)
    left, here, right = (x.narrow(axis, k, m) for k in range(3))
    even = (left + right).add_(here, alpha=6).mul_(1 / 8)
    odd = (here + right).mul_(1 / 2)
    shape = list(x.shape)
    shape[axis] = size
    out = x.new_empty(shape)  # written half by half: torch.stack takes four times as long along a row
    _every_second(out, axis, 0).copy_(even)
    _every_second(out, axis, 1).copy_(odd.narrow(axis, 0, size // 2))
    return out


def _wide(planes: Tensor) -> Tensor:
    """Returns half types as float32, in which they are computed."""
    return planes.float() if planes.dtype.itemsize == 2 else planes


def _every_second(x: Tensor, axis: int, start: int) -> Tensor:
    return x[..., start::2, :] if axis == -2 else x[..., start::2]
