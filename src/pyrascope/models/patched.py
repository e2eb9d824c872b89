"""One model instance with another `forward` and `generate` for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

METHODS = ("forward", "generate")
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def patched(model: Any, forward: Wrap, generate: Wrap) -> Iterator[Any]:
    """Within the block, the instance's `forward` and `generate` are what these make of its own; others keep theirs."""
    own = {name: vars(model)[name] for name in METHODS if name in vars(model)}  # hooks of accelerate live there
    rotation = "rope_deltas" in vars(model.base_model)
    deltas = getattr(model.base_model, "rope_deltas", None)
    model.generate = generate(model.generate)  # first: it must see the model's own `forward` too
    model.forward = forward(model.forward)
    try:
        yield model
    finally:
        for name in METHODS:
            vars(model).pop(name, None)
            if name in own:
                vars(model)[name] = own[name]
        if rotation:
            model.base_model.rope_deltas = deltas
