"""Listening to the queries and keys of chosen attention modules, whatever backend computes their attention."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor
from torch.nn import Module

TappedAttention = tuple[Tensor, Tensor, Tensor | None, float]
"""Queries, keys, mask and factor, as a `Listener` is given them."""
Listener = Callable[[Tensor, Tensor, Tensor | None, float], None]
"""Takes queries (b, heads, q, d) and keys (b, kv heads, k, d) as the backend gets them (normalised, rotated), its mask
(None: all, or causal where the module is), and the factor of their products. What it raises ends the forward pass."""

_SUFFIX = "+pyrascope"
_listening: ContextVar[tuple[Mapping[Module, Listener], ...]] = ContextVar("listening", default=())
"""The listeners of the blocks around this call: those of other threads hear nothing of it."""
_renamed: dict[int, tuple[Any, str | None, int]] = {}
"""By id: a config whose backend has another name for now, its own name, and how many blocks need the other."""
_RENAMING = threading.Lock()


@contextmanager
def tapped(listeners: Mapping[Module, Listener]) -> Iterator[None]:
    """Within the block, each attention module tells its listener what it attends with; outputs stay bit for bit.

    The backend that the module's `config` names goes on to compute the attention, under another name in the registry of
    transformers; the config has its own name back after the last such block, also after an error. Other modules are
    not concerned, not even those that share the config, nor are calls of other threads. Blocks may be nested.

    Args:
        listeners: By attention module (such as `layer.self_attn`).

    Raises:
        NotImplementedError: a module whose attention does not go through the registry.
    """
    configs: dict[int, Any] = {id(module.config): module.config for module in listeners if hasattr(module, "config")}
    if not listeners or any(not hasattr(module, "config") for module in listeners):
        kinds = sorted({type(module).__name__ for module in listeners}) or "no module"
        raise NotImplementedError(f"attention modules must have the config that names their backend, got {kinds}")
    with ExitStack() as stack:
        for config in configs.values():
            stack.enter_context(_under_another_name(config))
        stack.callback(_listening.reset, _listening.set((*_listening.get(), listeners)))
        yield


@contextmanager
def _under_another_name(config: Any) -> Iterator[None]:
    """Within the block, and all others like it, the config names the tapped backend."""
    key = id(config)
    with _RENAMING:
        own, uses = _renamed[key][1:] if key in _renamed else (config._attn_implementation, 0)
        config._attn_implementation_internal = _name(own)  # the public setter would reach sub-configs too
        _renamed[key] = config, own, uses + 1
    try:
        yield
    finally:
        with _RENAMING:
            uses = _renamed[key][2] - 1
            if uses:
                _renamed[key] = config, own, uses
            else:
                del _renamed[key]
                config._attn_implementation_internal = own


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
        for listener in [one[module] for one in _listening.get() if module in one]:
            listener(query, key, attention_mask, query.shape[-1] ** -0.5 if factor is None else float(factor))
        stock = backend or vars(sys.modules[type(module).__module__])["eager_attention_forward"]
        return stock(module, query, key, value, attention_mask, **more)

    return attend
