"""One model instance with another `forward` and `generate` for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

METHODS = ("forward", "generate")
ATTACHED = "attached_by_pyrascope"
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def patched(model: Any, forward: Wrap, generate: Wrap) -> Iterator[Any]:
    """Within the block, the instance's `forward` and `generate` are what these make of its own; others keep theirs.

    Raises:
        ValueError: the instance is in such a block already.
    """
    if getattr(vars(model).get("forward"), ATTACHED, False):
        raise ValueError(
            f"{type(model).__name__} must be attached once at a time, got it attached; leave that block first"
        )
    own = {name: vars(model)[name] for name in METHODS if name in vars(model)}  # hooks of accelerate live there
    rotation = "rope_deltas" in vars(model.base_model)
    deltas = getattr(model.base_model, "rope_deltas", None)
    model.generate = generate(model.generate)  # first: it must see the model's own `forward` too
    model.forward = forward(model.forward)
    setattr(model.forward, ATTACHED, True)
    try:
        yield model
    finally:
        for name in METHODS:
            vars(model).pop(name, None)
            if name in own:
                vars(model)[name] = own[name]
        if rotation:
            model.base_model.rope_deltas = deltas
