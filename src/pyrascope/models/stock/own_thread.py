"""Hooks for one call on a model that other threads may be calling too."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn import Module

Hook = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""As torch takes it with `with_kwargs`: module, positional and keyword arguments; None changes nothing."""


@contextmanager
def before_here(module: Module, hook: Hook) -> Iterator[None]:
    """Within the block, `hook` runs before each call of the module by this thread, and by no other."""
    mine = threading.get_ident()

    def own(called: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return hook(called, args, kwargs) if threading.get_ident() == mine else None

    handle = module.register_forward_pre_hook(own, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
