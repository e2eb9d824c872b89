"""A processor that remembers which images its outputs were made from, inside a `with` block."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, SupportsIndex

import torch
from torch import Tensor

from ..stock.inputs import PIXEL_INPUTS
from .sources import readable

CALLS = 64
"""Calls of the processor that are remembered: the latest ones."""
MEMORIES = "memories_of_pyrascope"
_LENDING = threading.Lock()


class Memory:
    """The latest calls of a processor."""

    def __init__(self) -> None:
        """Nothing is remembered at first."""
        self._calls: deque[tuple[Tensor, Tensor, Any]] = deque(maxlen=CALLS)

    def note(self, made: Mapping[str, Any], images: Any) -> None:
        """Remembers what was made of images."""
        ids, pixels = made.get("input_ids"), _pixels(made)
        if images is not None and isinstance(ids, Tensor) and pixels is not None:
            self._calls.append((ids, pixels, images))

    def find(self, inputs: Mapping[str, Any]) -> Any:
        """Returns the images of the latest call with these token ids and pixels (cast and moved as these are)."""
        ids, pixels = inputs.get("input_ids"), _pixels(inputs)
        if not isinstance(ids, Tensor) or pixels is None:
            return None
        for made, shown, images in reversed(self._calls):
            if _same(made, ids) and _same(shown, pixels):
                return images
        return None


def _same(made: Tensor, given: Tensor) -> bool:
    return made is given or (made.shape == given.shape and torch.equal(made.to(given), given))


def _pixels(inputs: Mapping[str, Any]) -> Tensor | None:
    return next((inputs[name] for name in PIXEL_INPUTS if isinstance(inputs.get(name), Tensor)), None)


@contextmanager
def remembering(processor: Any) -> Iterator[Memory]:
    """Within the block, calls of this processor are noted in the memory that is yielded; pictures are `readable`.

    A call looks `__call__` up in the class, so this one instance is given a class of its own for the time, which is
    the old one in all else. Blocks may be nested, or overlap in several threads: each notes all calls.
    """
    memory = Memory()
    if processor is None:
        yield memory
        return
    with _LENDING:
        if not hasattr(type(processor), MEMORIES):
            processor.__class__ = _noting(type(processor))
        lent = type(processor)
        getattr(lent, MEMORIES).append(memory)
    try:
        yield memory
    finally:
        with _LENDING:
            getattr(lent, MEMORIES).remove(memory)
            if not getattr(lent, MEMORIES):
                processor.__class__ = lent.__base__


def itself(value: Any) -> Any:
    """Returns what it is given: how a copy of a lent processor is made, so that it is of the stock class."""
    return value


def _noting(stock: type) -> type:
    """A processor's class, for one instance, whose calls are noted in all its memories."""
    memories: list[Memory] = []

    def call(self: Any, images: Any = None, *args: Any, **kwargs: Any) -> Any:
        images = readable(images)
        made = stock.__call__(self, images, *args, **kwargs)
        if isinstance(made, Mapping):
            for memory in tuple(memories):
                memory.note(made, images)
        return made

    def reduced(self: Any, protocol: SupportsIndex) -> Any:
        plain: Any = object.__new__(stock)
        vars(plain).update(vars(self))
        return itself, (plain,)

    names = {
        MEMORIES: memories, "__call__": call, "__reduce_ex__": reduced, "__module__": stock.__module__,
        "__qualname__": stock.__qualname__,
    }  # fmt: skip
    return type(stock.__name__, (stock,), names)
