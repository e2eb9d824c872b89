"""How images come in and go out: paths, PIL, NumPy and torch outside, floating (c, h, w) tensors inside."""

import math
import os
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ._files import write_whole
from ._moved import names_of
from ._pictures import named, read_image, rgb

__all__ = ["ArrayKind", "ImageLike", "as_tensor", "patches_out", "read_image", "refuse_infinite", "write_whole"]

ImageLike: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[Any] | Tensor
"""What counts as an image: a path, a PIL image, a NumPy array (h, w) or (h, w, c), a torch tensor (c, h, w)."""

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
FULL = {torch.uint8: 255, torch.uint16: 65535}
NATIVE = ("float16", "float32", "float64", "uint8", "uint16")
NUMBERS = "floats in [0, 1], uint8 or uint16"


@dataclass(frozen=True)
class ArrayKind:
    """How an image came in, and so how its patches go out: "torch" (channels first) or "numpy" (channels last)."""

    kind: Literal["torch", "numpy"]


def as_tensor(image: ImageLike, *, finite: bool = True) -> tuple[Tensor, ArrayKind]:
    """Returns any image as a floating tensor (c, h, w), and the layout in which to answer.

    Floats keep their type and values; uint8 becomes float32 / 255, uint16 float32 / 65535. A tensor stays on its
    device and keeps its gradient; a floating one is returned as it is. Arrays are copied, whatever their strides and
    byte order, and never altered; (h, w) becomes one channel. A path becomes RGB as in `read_image`, upright by
    its EXIF orientation; a PIL image likewise, but as its pixels are stored (a warning names what would turn them).
    With `finite` the values are read once to refuse what is not; without, the caller does that (`refuse_infinite`).

    Raises:
        TypeError: no image, or numbers of another type.
        ValueError: wrong or empty axes, NaN or infinity, or an image that cannot be read.
        OSError: a path that cannot be opened (the fitting subclass).

    Example:
        >>> tensor, layout = as_tensor(np.array([[0, 255], [51, 102]], np.uint8))
        >>> tensor
        tensor([[[0.0000, 1.0000],
                 [0.2000, 0.4000]]])
        >>> layout
        ArrayKind(kind='numpy')
    """
    tensor, layout = _unchecked(image)
    if finite:
        refuse_infinite(tensor)
    return tensor, layout


def refuse_infinite(image: Tensor) -> None:
    """Raises ValueError where a value of an image is NaN or infinite."""
    if not math.isfinite(image.detach().sum()) and not image.isfinite().all():
        found = "NaN" if image.isnan().any() else "infinity"
        raise ValueError(f"image must hold finite numbers, got {found}; replace it, as with nan_to_num")


def _unchecked(image: ImageLike) -> tuple[Tensor, ArrayKind]:
    """`as_tensor` without a look at the values."""
    if isinstance(image, Tensor):
        return _unit(image), ArrayKind("torch")
    if isinstance(image, str | os.PathLike):
        image = read_image(image)
    elif isinstance(image, Image.Image):
        image = rgb(image, named(image))
    elif not isinstance(image, np.ndarray) or isinstance(image, np.ma.MaskedArray):
        raise TypeError(
            "image must be a path, a PIL image, a NumPy array (h, w) or (h, w, c) or a torch tensor (c, h, w), "
            f"got {type(image).__name__}; convert it to one of these"
        )
    return _unit(torch.from_numpy(_channels_first(image))), ArrayKind("numpy")


def patches_out(patches: Tensor, layout: ArrayKind) -> Tensor | NDArray[Any]:
    """Returns patches (n, c, p, p) as they are for "torch", as a NumPy array (n, p, p, c) for "numpy".

    Example:
        >>> patches_out(torch.zeros(5, 3, 16, 16), ArrayKind("numpy")).shape
        (5, 16, 16, 3)
    """
    if layout.kind == "torch":
        return patches
    array: NDArray[Any] = patches.detach().cpu().permute(0, 2, 3, 1).contiguous().numpy()
    return array


def _unit(image: Tensor) -> Tensor:
    """Returns a tensor (c, h, w) of any accepted type as floats."""
    if image.layout is not torch.strided or image.is_nested or image.is_meta:
        got = "a nested tensor" if image.is_nested else f"{image.layout} on {image.device}"
        raise TypeError(f"image must be a dense tensor with data, got {got}; densify it")
    image = image.resolve_neg()  # a view that is lazily negative cannot be handed on
    if image.ndim != 3:
        hint = "add a channel axis with image[None]" if image.ndim == 2 else "pass one image at a time"
        raise ValueError(f"image must be a tensor (c, h, w), got shape {tuple(image.shape)}; {hint}")
    if image.numel() == 0:
        raise ValueError(f"image must have at least one pixel, got (c, h, w) = {tuple(image.shape)}; check its crop")
    if image.dtype in FULL:
        return image.to(torch.float32) / FULL[image.dtype]
    if image.dtype not in FLOATS:
        raise TypeError(f"image must hold {NUMBERS}, got {image.dtype}; scale it to floats in [0, 1]")
    return image


def _channels_first(array: NDArray[Any]) -> NDArray[Any]:
    """Returns a copy (c, h, w) of an array (h, w) or (h, w, c), contiguous and of native byte order."""
    if array.ndim not in (2, 3):
        hint = "an image has at least two axes" if array.ndim < 2 else "pass one image at a time"
        raise ValueError(f"image must be an array (h, w) or (h, w, c), got shape {array.shape}; {hint}")
    native = array.dtype.newbyteorder("=")
    if native.name not in NATIVE:
        raise TypeError(f"image must hold {NUMBERS}, got {array.dtype}; scale it to floats in [0, 1]")
    if array.size == 0:
        raise ValueError(f"image must have at least one pixel, got an array of shape {array.shape}; check its crop")
    return np.array(array[None] if array.ndim == 2 else np.moveaxis(array, 2, 0), native, order="C")


__getattr__ = names_of(__name__)
