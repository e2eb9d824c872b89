"""The language model inside a model: its layers, and what they must have to be listened to or fed fewer tokens."""

import contextlib
import inspect
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from .attention_tap import TappedAttention, tapped
from .protocols import Model


class _Enough(Exception):
    """Ends an attention of which only the queries and keys are wanted."""


def layers_of(model: Model) -> list[Any]:
    """Returns the decoder layers of a model's language model, each with its `self_attn` and norm.

    Raises:
        NotImplementedError: layers of another build.
    """
    base = model.base_model
    text = getattr(base, "language_model", getattr(base, "text_model", None))
    layers = getattr(text, "layers", None)
    if layers is None:
        raise NotImplementedError(
            f"the language model must be a stack `layers`, got another build in {type(model).__name__}"
        )
    for layer in layers:
        attention = getattr(layer, "self_attn", None)
        if not isinstance(attention, Module) or not hasattr(attention, "config"):
            raise NotImplementedError(
                f"every layer must have `self_attn` with a config, got {type(layer).__name__} without"
            )
        if "position_embeddings" not in inspect.signature(layer.forward).parameters:
            raise NotImplementedError(f"layers must be given their rotation, got {type(layer).__name__}, which is not")
    return list(layers)


@contextlib.contextmanager
def uncompiled(model: Model) -> Iterator[None]:
    """Within the block, what `torch.compile` has made of the model runs as written: compiled code sees no hooks."""
    parts = list(model.modules())
    compiled = any(
        hasattr(part, "_orig_mod")
        or getattr(part, "_compiled_call_impl", None) is not None
        or hasattr(vars(part).get("forward"), "_torchdynamo_orig_callable")
        for part in parts
    )
    with _eager() if compiled else contextlib.nullcontext():
        yield


_EAGER = threading.Lock()
_held: list[Any] = []
"""The stance of the compiler, once for each block that needs it: the first sets it, the last takes it back."""


@contextlib.contextmanager
def _eager() -> Iterator[None]:
    """Within the block, and others like it in other threads, nothing compiled runs: the stance is the process's."""
    with _EAGER:
        stance = _held[0] if _held else contextlib.ExitStack()
        if not _held:
            stance.enter_context(torch.compiler.set_stance("force_eager"))
        _held.append(stance)
    try:
        yield
    finally:
        with _EAGER:
            _held.pop()
            if not _held:
                stance.close()


def backend_of(model: Model) -> str:
    """Returns the name of the attention backend of the language model."""
    return str(layers_of(model)[0].self_attn.config._attn_implementation)


def windows_of(layers: list[Any]) -> list[int | None]:
    """How far each layer sees, as its cache has it; None for everything.

    Raises:
        NotImplementedError: layers that share caches, or see in chunks.
    """
    from transformers import DynamicCache

    config = layers[0].self_attn.config
    shared, kinds = getattr(config, "num_kv_shared_layers", 0), getattr(config, "layer_types", None) or ()
    if shared or "chunked_attention" in kinds:
        raise NotImplementedError("every layer must have its own keys and no chunks, got shared keys or chunks")
    found = [getattr(layer, "sliding_window", None) for layer in DynamicCache(config=config).layers]
    return [*found, *[None] * (len(layers) - len(found))]


def projected(layer: Any, hidden: Tensor, given: dict[str, Any]) -> TappedAttention:
    """Returns queries, keys, mask and factor of a layer's attention; neither the attention nor a cache is touched.

    Raises:
        NotImplementedError: a layer without `input_layernorm`.
    """
    norm = getattr(layer, "input_layernorm", None)
    if norm is None:
        raise NotImplementedError(f"layers must have input_layernorm to be looked into, got {type(layer).__name__}")
    heard: list[TappedAttention] = []

    def listen(*found: Any) -> None:
        heard.append(found)
        raise _Enough

    with torch.no_grad(), tapped({layer.self_attn: listen}), contextlib.suppress(_Enough):
        layer.self_attn(hidden_states=norm(hidden), **{**given, "past_key_values": None})
    if not heard:
        raise NotImplementedError(f"attention must go through the registry, got {type(layer.self_attn).__name__}")
    return heard[0]
