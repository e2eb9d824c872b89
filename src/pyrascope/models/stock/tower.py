"""What layers of a vision tower attend to, recomputed from their queries and keys while the tower runs as it is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, ModuleList

from .attention_tap import tapped
from .protocols import Model

TOWERS = ("vision_tower", "visual", "vision_model")
CLS = ("class_embedding", "cls_token")
ELEMENTS = 2**24
"""Most attention weights that are held at once."""


@dataclass
class Layer:
    """All tokens of a tower at one of its layers, in the order in which the layer sees them.

    Attributes:
        received: Attention that each token receives, heads summed, in parts of (t,): from [CLS] where there is one,
            else the sum over all tokens that look at it.
        keys: Its keys, the mean over heads, in parts of (t, dk); rotated where the tower rotates them.
    """

    received: list[Tensor] = field(default_factory=list)
    keys: list[Tensor] = field(default_factory=list)


def vision_module_of(model: Model) -> Module:
    """The vision tower of a model.

    Raises:
        NotImplementedError: it is under none of the known names.
    """
    for name in TOWERS:
        found = getattr(model.base_model, name, None)
        if isinstance(found, Module):
            return found
    raise NotImplementedError(f"the vision tower must be one of {', '.join(TOWERS)}, got a model with none of them")


def has_cls(tower: Module) -> bool:
    """True if the tower's sequences begin with a [CLS] token."""
    return any(name.rpartition(".")[2] in CLS for name, _ in tower.named_parameters())


def attention_modules(tower: Module) -> list[Module]:
    """The attention of each layer of the tower, in order.

    Raises:
        NotImplementedError: a tower without layers of attention.
    """
    stacks = [part for part in tower.modules() if isinstance(part, ModuleList)]
    stack = max(stacks, key=len, default=())
    found = [
        next((part for part in layer.modules() if type(part).__name__.endswith("Attention")), None) for layer in stack
    ]
    if not found or None in found:
        raise NotImplementedError(f"the vision tower must be made of layers of attention, got {type(tower).__name__}")
    return [part for part in found if part is not None]


def selected_layer(model: Model, inputs: Mapping[str, Any], layers: int) -> int:
    """The last layer, from 0, whose output the visual features are made of.

    Raises:
        NotImplementedError: they are made of the embeddings alone.
    """
    for name in ("vision_feature_layer", "vision_feature_layers"):
        chosen = inputs.get(name, getattr(model.config, name, None))
        if chosen is not None:
            each = [chosen] if isinstance(chosen, int) else chosen
            last: int = max(layers + one if one < 0 else one - 1 for one in each)
            if last < 0:
                raise NotImplementedError("the visual features must come from a layer of attention, got embeddings")
            return last
    return layers - 1


@contextmanager
def listening(tower: Module, layers: Sequence[int]) -> Iterator[dict[int, Layer]]:
    """Within the block, the tower tells what the numbered layers attend to; its outputs stay bit for bit.

    Yields:
        What is known of each layer, once the tower has run.

    Raises:
        NotImplementedError: as `attention_modules` and `tapped`.
    """
    modules, cls = attention_modules(tower), has_cls(tower)
    found = {layer: Layer() for layer in layers}

    def listener(into: Layer) -> Any:
        @torch.no_grad()
        def listen(query: Tensor, key: Tensor, mask: Tensor | None, factor: float) -> None:
            into.received.append(received(query[:, :, :1] if cls else query, key, mask, factor).flatten())
            into.keys.append(key.mean(1).flatten(0, 1))

        return listen

    with tapped({modules[layer]: listener(into) for layer, into in found.items()}):
        yield found


def received(query: Tensor, key: Tensor, mask: Tensor | None, factor: float) -> Tensor:
    """Returns the attention that each key receives, summed over heads and queries, float32 (b, k).

    Args:
        query: (b, heads, q, d).
        key: (b, kv heads, k, d).
        mask: (b or 1, heads or 1, q or more, k) or (b, k): True or 0 where it may look, False or far below 0 elsewhere.
        factor: Of the products.

    >>> received(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), None, 1.0)
    tensor([[2., 2., 2.]])
    """
    b, heads, _, _ = query.shape
    keys = key.float().repeat_interleave(heads // key.shape[1], 1).transpose(-1, -2)
    if mask is not None and mask.ndim == 2:
        mask = mask[:, None, None].bool()
    total = keys.new_zeros(b, keys.shape[-1])
    start = 0
    for part in torch.split(query, max(ELEMENTS // (b * heads * keys.shape[-1]), 1), 2):
        logits = part.float() @ keys * factor
        if mask is not None:
            shown = mask if mask.shape[-2] == 1 else mask[..., start : start + part.shape[2], :]
            logits = logits.masked_fill(~shown, -torch.inf) if shown.dtype == torch.bool else logits + shown
        total += logits.softmax(-1).nan_to_num(0.0).sum((1, 2))
        start += part.shape[2]
    return total
