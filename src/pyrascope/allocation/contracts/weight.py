"""How much the places of an image matter: what may be given as a weight."""

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..._check import shorten

Weight = ArrayLike | Tensor | None
MAX_WEIGHT = 1e30


def checked_weight(weight: Weight, image: Tensor) -> Tensor | None:
    """Returns a weight as a float64 tensor on the image's device; None passes.

    Raises:
        TypeError, ValueError: it is not a map of finite numbers that are not negative.
    """
    if weight is None:
        return None
    expected = "weight must be a map (h, w) of numbers"
    if isinstance(weight, Tensor):
        tensor = weight.detach()
    else:
        try:
            array = np.asarray(weight)
        except (TypeError, ValueError):
            raise TypeError(f"{expected}, got {shorten(weight)}") from None
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{expected}, got {shorten(weight)}")
        tensor = torch.from_numpy(array.astype(np.complex128 if array.dtype.kind == "c" else np.float64))
    if tensor.ndim != 2 or not tensor.numel() or tensor.is_complex():
        raise ValueError(f"{expected}, got {described(tensor)}")
    tensor = tensor.to(image.device, torch.float64)
    least, most = map(float, tensor.aminmax())  # of NaN both are NaN
    if not (least >= 0 and math.isfinite(most)):
        raise ValueError("weight must be finite and not negative, got a value that is not; clip the map")
    if most > MAX_WEIGHT:
        raise ValueError(f"weight must be at most {MAX_WEIGHT:g}, got {most:g}; scale the map")
    return tensor


def described(value: object) -> str:
    """Returns shape and type of an array or tensor, or the value itself, for an error."""
    if isinstance(value, Tensor | np.ndarray):
        return f"shape {tuple(value.shape)} {value.dtype}"
    return shorten(value)
