"""The one door to Numba, typed: functions compiled on first use and kept on disk for the next process."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

# No fast mathematics: no sum here needs regrouping to vectorise, and one order of sums gives one result.
OPTIONS: dict[str, Any] = {
    "nogil": True,  # threads of Python run the kernels side by side
    "error_model": "numpy",
}


def compiled(function: Function) -> Function:
    """Returns `function` compiled by Numba for the types it is called with, cached on disk where that is possible."""
    njit = import_module("numba").njit
    try:
        kernel: Function = njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder that a cache could be written to
        kernel = njit(**OPTIONS)(function)
    return kernel
