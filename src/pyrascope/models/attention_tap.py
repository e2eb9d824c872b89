"""Listening to the queries and keys of chosen attention modules, whatever backend computes their attention."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor
from torch.nn import Module

Heard = tuple[Tensor, Tensor, Tensor | None, float]
"""Queries, keys, mask and factor, as a `Listener` is given them."""
Listener = Callable[[Tensor, Tensor, Tensor | None, float], None]
"""Takes queries (b, heads, q, d) and keys (b, kv heads, k, d) as the backend gets them (normalised, rotated), its mask
(None: all, or causal where the module is), and the factor of their products. What it raises ends the forward pass."""

_SUFFIX = "+pyrascope"
_listeners: WeakKeyDictionary[Module, list[Listener]] = WeakKeyDictionary()


@contextmanager
def tapped(listeners: Mapping[Module, Listener]) -> Iterator[None]:
    """Within the block, each attention module tells its listener what it attends with; outputs stay bit for bit.

    The backend that the module's `config` names goes on to compute the attention, under another name in the registry of
    transformers; the config has its own name back afterwards, also after an error. Other modules are not concerned,
    not even those that share the config. Blocks may be nested.

    Args:
        listeners: By attention module (such as `layer.self_attn`).

    Raises:
        NotImplementedError: a module whose attention does not go through the registry.
    """
    configs: dict[int, Any] = {id(module.config): module.config for module in listeners if hasattr(module, "config")}
    if not listeners or any(not hasattr(module, "config") for module in listeners):
        kinds = sorted({type(module).__name__ for module in listeners}) or "no module"
        raise NotImplementedError(f"attention modules must have the config that names their backend, got {kinds}")
    before = {key: config._attn_implementation for key, config in configs.items()}
    names = {key: _name(name) for key, name in before.items()}
    try:
        for key, config in configs.items():
            config._attn_implementation_internal = names[key]  # the public setter would reach sub-configs too
        for module, listener in listeners.items():
            _listeners.setdefault(module, []).append(listener)
        yield
    finally:
        for module, listener in listeners.items():
            if listener in _listeners.get(module, ()):
                _listeners[module].remove(listener)
        for key, config in configs.items():
            config._attn_implementation_internal = before[key]


def _name(base: str | None) -> str:
    """The name of the tapped backend, registered on first use."""
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    base = base or "eager"
    if base.endswith(_SUFFIX):
        return base
    name = base + _SUFFIX
    if base not in ALL_MASK_ATTENTION_FUNCTIONS or (base != "eager" and base not in ALL_ATTENTION_FUNCTIONS):
        raise NotImplementedError(f"attention must be that of a registered backend such as sdpa, got {base}")
    if name not in ALL_ATTENTION_FUNCTIONS:
        ALL_ATTENTION_FUNCTIONS.register(name, _attention(ALL_ATTENTION_FUNCTIONS.get(base)))
        ALL_MASK_ATTENTION_FUNCTIONS.register(name, ALL_MASK_ATTENTION_FUNCTIONS[base])
    return name


def _attention(backend: Callable[..., Any] | None) -> Callable[..., Any]:
    """`backend` (None: the eager one of the module's own file), after telling the listeners."""

    def attend(
        module: Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **more: Any
    ) -> Any:
        factor = more.get("scaling")
        for listener in tuple(_listeners.get(module, ())):
            listener(query, key, attention_mask, query.shape[-1] ** -0.5 if factor is None else float(factor))
        stock = backend or vars(sys.modules[type(module).__module__])["eager_attention_forward"]
        return stock(module, query, key, value, attention_mask, **more)

    return attend
