"""Arrays in and out: NumPy or torch, with or without a channel axis, as float planes (..., h, w)."""

import math
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._check import whole_number
from . import backend

Array = TypeVar("Array", Tensor, NDArray[Any])

FLOATS = ("float16", "bfloat16", "float32", "float64")
LARGE = 2**22  # bytes
FULL_SCALE = {"uint8": 255, "uint16": 65535}
INTEGERS = (torch.uint8, torch.uint16)


def spatial_axes(shape: tuple[int, ...], channel_axis: int | None) -> tuple[int, int]:
    """Returns the axes of rows and columns: the last two that are not the channel axis.

    Raises:
        TypeError: `channel_axis` is not an integer.
        ValueError: `channel_axis` is out of range, or there are no two such axes with samples along them.
    """
    ndim = len(shape)
    if ndim < (2 if channel_axis is None else 3):
        raise ValueError(
            f"x must have two spatial axes besides channel_axis, got shape {tuple(shape)} with "
            f"channel_axis={channel_axis!r}; give (..., h, w), or (h, w, c) with channel_axis=-1"
        )
    axes = list(range(ndim))
    if channel_axis is not None:
        hint = f"x has shape {tuple(shape)}"
        del axes[whole_number(channel_axis, "channel_axis", -ndim, ndim - 1, hint=hint)]
    row, column = axes[-2:]
    if not (shape[row] and shape[column]):
        raise ValueError(
            f"x must have at least one row and one column, got shape {tuple(shape)}; leave empty images out"
        )
    return row, column


def to_planes(x: Tensor | NDArray[Any], channel_axis: int | None) -> Tensor:
    """Returns `x` as a float tensor (..., h, w): channels moved to the front, integers scaled to [0, 1].

    Floats are returned as they are, or as a view: a NumPy array too, but for what torch cannot read, which is copied
    (read-only memory, foreign byte order, negative strides).

    Raises:
        TypeError: `x` is not a tensor or array, or of a type other than real floats, uint8 and uint16.
        ValueError: see `spatial_axes`.
    """
    if not isinstance(x, Tensor | np.ndarray):
        raise TypeError(
            f"x must be a torch tensor or a NumPy array, got {type(x).__name__}; "
            "convert it with numpy.asarray or torch.as_tensor"
        )
    if isinstance(x, Tensor) and x.is_nested:
        raise TypeError("x must be a dense tensor, got a nested one; unbind it and give one image at a time")
    name = x.dtype.type.__name__ if isinstance(x, np.ndarray) else str(x.dtype).removeprefix("torch.")
    if name not in (*FLOATS, *FULL_SCALE) or (name == "bfloat16" and isinstance(x, np.ndarray)):
        raise TypeError(
            f"x must hold {', '.join(FLOATS)} (torch only: bfloat16), uint8 or uint16, got {name}; "
            "convert it to float32 first"
        )
    spatial_axes(x.shape, channel_axis)
    if isinstance(x, np.ndarray):
        planes = _readable(x if channel_axis is None else np.moveaxis(x, channel_axis, 0))
    else:
        planes = x if channel_axis is None else x.movedim(channel_axis, 0)
    return _scaled(planes, FULL_SCALE[name]) if name in FULL_SCALE else planes


def _readable(x: NDArray[Any]) -> Tensor:
    """Returns a tensor in the memory of `x` if torch can read and write it, else in a copy."""
    flags, size = x.flags, x.dtype.itemsize
    regular = all(stride >= 0 and stride % size == 0 for stride in x.strides)
    if not (regular and flags.behaved and x.dtype.isnative):
        x = np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(x)


def _scaled(planes: Tensor, full: int) -> Tensor:
    """Returns unsigned integers as float32 in [0, 1]."""
    if kernels := backend.kernels(planes, planes.numel(), INTEGERS):
        return kernels.scaled(planes, full)
    return planes.to(torch.float32) / full


def from_planes(planes: Tensor, like: Array, channel_axis: int | None) -> Array:
    """Returns `planes` with the axes and the kind (tensor or C-contiguous array) of `like`."""
    moved = planes if channel_axis is None else planes.movedim(0, channel_axis)
    return moved if isinstance(like, Tensor) else moved.contiguous().numpy()


def blank(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Returns an uninitialised array for a passing result, in large pages of memory from 256 kB on.

    NumPy asks the system for large pages from 4 MB on; smaller pieces come page by page, which can take longer than
    what is computed into them. So more is asked for; what is never touched of it costs nothing.
    """
    size = math.prod(shape)
    room = max(size, LARGE // dtype.itemsize) if size * dtype.itemsize >= LARGE // 16 else size
    return np.empty(room, dtype)[:size].reshape(shape)
