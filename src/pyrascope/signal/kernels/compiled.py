"""The one door to Numba, typed: functions compiled on first use and kept on disk for the next process.

What is kept is looked up by the time stamp of the file that the function is in: an installation compiles anew. Whoever
edits OPTIONS here deletes the kept code of a source tree (`__pycache__/*.nbi`), since Numba does not look at options.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

# No fast mathematics: no sum here needs regrouping to vectorise, and one order of sums gives one result.
OPTIONS: dict[str, Any] = {
    "nogil": True,  # threads of Python run the kernels side by side
    "error_model": "numpy",
}


unkept: list[str] = []
"""Functions whose code cannot be kept for the next process, since no folder for it can be written to."""


def compiled(function: Function) -> Function:
    """Returns `function` compiled by Numba for the types it is called with, cached on disk where that is possible."""
    njit = import_module("numba").njit
    try:
        kernel: Function = njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder that a cache could be written to
        kernel = njit(**OPTIONS)(function)
        unkept.append(function.__name__)
    return kernel


def forget_kept() -> None:
    """Forgets what was kept of all functions compiled so far: one of the files is damaged, and all are made anew.

    Where the files cannot be written either, they are not looked at any more.
    """
    nothing = import_module("numba.core.caching").NullCache
    kernels = [part for name in _modules() for part in vars(sys.modules[name]).values() if hasattr(part, "_cache")]
    for kernel in kernels:
        try:
            kernel._cache.flush()
        except OSError:
            kernel._cache = nothing()


def _modules() -> list[str]:
    return [name for name in sys.modules if name.startswith("pyrascope.") and ".kernels." in name]
