"""Where the time of a call goes: spans that are added up by name while somebody asks."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PLANNING, LOOKS = "planning", "looks"
_asked: ContextVar[dict[str, float] | None] = ContextVar("asked", default=None)


@contextmanager
def spans() -> Iterator[dict[str, float]]:
    """Yields seconds by name, 0 where nothing was spent, of all `span`s within the block and this thread.

    Example:
        >>> with spans() as seconds:
        ...     with span("planning"):
        ...         pass
        >>> seconds["planning"] > 0, seconds["looks"]
        (True, 0.0)
    """
    found: dict[str, float] = defaultdict(float)
    token = _asked.set(found)
    try:
        yield found
    finally:
        _asked.reset(token)


@contextmanager
def span(name: str) -> Iterator[None]:
    """The time of the block counts as `name`."""
    found, start = _asked.get(), time.perf_counter()
    try:
        yield
    finally:
        if found is not None:
            found[name] += time.perf_counter() - start
