"""Figures look the same whatever a user's own matplotlib settings say."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@contextmanager
def own_style() -> Iterator[None]:
    """Within the block, matplotlib has its own defaults (but the backend stays); afterwards the user's are back."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def in_own_style(draw: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Returns a function that draws in `own_style`."""

    @functools.wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with own_style():
            return draw(*args, **kwargs)

    return drawn
