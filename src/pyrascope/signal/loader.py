"""Compiled parts, imported when first used; where Numba does not work they are None, and the plain paths serve."""

import warnings
from functools import cache
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor

from .._check import shorten
from .backend import allowed


def usable(name: str, image: Tensor) -> ModuleType | None:
    """Returns the compiled module `name` if it can take `image` as it is: plain CPU memory, no gradient; else None."""
    if not allowed(image) or (image.requires_grad and torch.is_grad_enabled()):
        return None
    return loaded(name)


@cache
def loaded(name: str) -> ModuleType | None:
    """Returns the compiled module `name`, or None, with one warning a process, where Numba does not work."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Numba's own, while it imports
            module = import_module(name)
            module.trial()
        return module
    except Exception as error:  # Numba raises errors of many kinds where its compiler is broken
        _warn_once(f"compiled kernels are not used, since Numba failed: {shorten(error, 200)}")
        return None


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=4)
