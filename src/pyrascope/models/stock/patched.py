"""One model instance with another `forward` and `generate` for a while."""

import copy
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

METHODS = ("forward", "generate")
ATTACHED, COPY = "attached_by_pyrascope", "__deepcopy__"
_ATTACHING = threading.Lock()
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def by_names(stock: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Returns what takes the arguments of a call of `stock` and returns them all by name.

    >>> by_names(lambda x, y=0, **kwargs: x)(1, z=3)
    {'x': 1, 'z': 3}
    """
    names = [name for name in inspect.signature(stock).parameters if name != "kwargs"]
    return lambda *args, **kwargs: {**dict(zip(names, args, strict=False)), **kwargs}


def prompt_by_name(stock: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """As `by_names` for `generate`, whose `inputs` become `input_ids`."""
    named = by_names(stock)

    def arguments(*args: Any, **kwargs: Any) -> dict[str, Any]:
        given = named(*args, **kwargs)
        inputs = given.pop("inputs", None)
        return given if inputs is None else {"input_ids": inputs, **given}

    return arguments


def _plain_copy(model: Any, own: dict[str, Any], memo: dict[int, Any]) -> Any:
    """A deep copy of a model as it was before the block: nothing of it runs through the original."""
    plain = {name: value for name, value in vars(model).items() if name not in (*METHODS, COPY)} | own
    kind: Any = type(model)
    twin = kind.__new__(kind)
    memo[id(model)] = twin
    twin.__setstate__(copy.deepcopy(plain, memo))
    return twin


@contextmanager
def patched(model: Any, forward: Wrap, generate: Wrap) -> Iterator[Any]:
    """Within the block, the instance's `forward` and `generate` are what these make of its own; others keep theirs.

    Raises:
        ValueError: the instance is in such a block already.
    """
    rotation = "rope_deltas" in vars(model.base_model)
    deltas = getattr(model.base_model, "rope_deltas", None)
    with _ATTACHING:
        if getattr(vars(model).get("forward"), ATTACHED, False):
            raise ValueError(
                f"{type(model).__name__} must be attached once at a time, got it attached; leave that block first, or "
                "share it: calls from several threads are right within one block; ps.compose puts two on a model"
            )
        own = {name: vars(model)[name] for name in METHODS if name in vars(model)}  # hooks of accelerate live there
        model.generate = generate(model.generate)  # first: it must see the model's own `forward` too
        model.forward = forward(model.forward)
        setattr(model.forward, ATTACHED, True)
        vars(model)[COPY] = lambda memo: _plain_copy(model, own, memo)
    try:
        yield model
    finally:
        vars(model).pop(COPY, None)
        for name in METHODS:
            vars(model).pop(name, None)
            if name in own:
                vars(model)[name] = own[name]
        if rotation:
            model.base_model.rope_deltas = deltas
