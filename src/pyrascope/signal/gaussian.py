"""The Gaussian pyramid: an image and its successive reductions."""

from torch import Tensor

from .._check import one_of, whole_number
from .._typing import BoundaryMode
from . import backend
from .arrays import Array, from_planes, to_planes
from .boundary import MODES
from .filters import coarser, reduce_planes

SHORTEST = 16  # without a count of levels, a level with a side below this is the last one


def gaussian_pyramid(
    x: Array, levels: int | None = None, mode: BoundaryMode = "reflect", channel_axis: int | None = None
) -> list[Array]:
    """Returns an image and its successive reductions by `reduce`, fine to coarse.

    Each level has ceil(n / 2) rows and columns of the level before; sizes stop at 1, so that any number of
    levels can be had of any image. Level 0 is the image: of a float tensor it is `x` itself or a view of
    it, and a float array that is C-contiguous, writable and in native byte order shares its memory; else a copy.

    Args:
        x: Image (..., h, w), or with channels on `channel_axis`; types as in `reduce`.
        levels: How many levels, level 0 counted, at least 1; None: until the shorter side is below 16.
        mode: What lies beyond the border, as in `reduce`.
        channel_axis: The axis of channels; None: rows and columns are the last two axes.

    Returns:
        List of `levels` images, NumPy for NumPy and torch for torch.

    Raises:
        TypeError: `x` is neither a tensor nor an array, or holds bool, complex or other integers; `levels` is not an
            integer.
        ValueError: Fewer than two spatial axes, an empty one, or an unknown mode; `levels` is below 1.

    Example:
        >>> import torch
        >>> [tuple(level.shape) for level in gaussian_pyramid(torch.ones(3, 33, 47))]
        [(3, 33, 47), (3, 17, 24), (3, 9, 12)]
        >>> gaussian_pyramid(torch.tensor([[0.0, 0.0, 16.0, 0.0, 0.0]]), levels=3)[1:]
        [tensor([[2., 6., 2.]]), tensor([[4., 4.]])]

    Source:
        Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code", eq. 1.
    """
    one_of(mode, "mode", MODES)
    planes = descend(to_planes(x, channel_axis), levels, mode)
    return [from_planes(level, x, channel_axis) for level in planes]


def descend(planes: Tensor, levels: int | None, mode: BoundaryMode) -> list[Tensor]:
    """`gaussian_pyramid` of a float tensor (..., h, w)."""
    count = depth(planes, levels)
    kernels = backend.kernels(planes, planes.numel())
    if kernels is not None and count > 1:
        return [planes, *kernels.gaussian(planes, count - 1, mode)]
    pyramid = [planes]
    while len(pyramid) < count:
        pyramid.append(reduce_planes(pyramid[-1], mode))
    return pyramid


def depth(planes: Tensor, levels: int | None) -> int:
    """Returns `levels`, or for None how many it takes until the shorter side is below 16.

    Raises:
        TypeError: `levels` is not an integer.
        ValueError: `levels` is below 1.
    """
    if levels is not None:
        return whole_number(levels, "levels", 1)
    side, count = min(planes.shape[-2:]), 1
    while side >= SHORTEST:
        side, count = coarser(side), count + 1
    return count
