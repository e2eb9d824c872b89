"""What a model knows of its visual tokens beside their features, for the reducers that ask for it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...allocation.contracts.reducer import FeatureContext, Reducer
from ..families import family_of
from ..families.parts.layout import TokenLayout
from ..host import Host
from ..stock.placeholders import Run
from ..stock.protocols import Model
from ..stock.tower import Layer, attention_modules, listening, selected_layer, vision_module_of

FIRST, LAST, KEYS = "first_attention", "attention", "keys"
FROM_TOWER = frozenset({FIRST, LAST, KEYS})


@dataclass
class HeardTower:
    """What the tower told while it ran, by `FeatureContext`'s names; `reason` says why it tells nothing."""

    layers: dict[str, Layer] = field(default_factory=dict)
    reason: str = ""


def asked_by(method: Reducer) -> frozenset[str]:
    """The fields of `FeatureContext` that a method needs or uses."""
    found: frozenset[str] = getattr(method, "needs", frozenset()) | getattr(method, "uses", frozenset())
    return found


@contextmanager
def hearing(model: Model, inputs: Mapping[str, Any], method: Reducer) -> Iterator[HeardTower]:
    """Within the block, what `method` asks of the tower is taken down; the tower's output stays bit for bit."""
    asked, heard = asked_by(method) & FROM_TOWER, HeardTower()
    with ExitStack() as stack:
        if asked:
            try:
                tower = vision_module_of(model)
                last = selected_layer(model, inputs, len(attention_modules(tower)))
                _refuse_packed_flash(model, tower)
                numbers = {FIRST: 0, LAST: last, KEYS: last}
                layers = stack.enter_context(listening(tower, sorted({numbers[name] for name in asked})))
                heard.layers = {name: layers[numbers[name]] for name in asked}
            except NotImplementedError as reason:
                heard.reason = str(reason)
        yield heard


def _refuse_packed_flash(model: Model, tower: Any) -> None:
    backend = str(getattr(tower.config, "_attn_implementation", ""))
    if family_of(model.config.model_type).arrangement.packed and "flash" in backend:
        raise NotImplementedError(
            f"attention of several images in one sequence is known with sdpa or eager, got {backend}; "
            "load the vision tower with attn_implementation={'vision_config': 'sdpa'}"
        )


def contexts(
    host: Host, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]], method: Reducer, heard: HeardTower
) -> list[FeatureContext]:
    """Returns what is known of each image: its grid, and of the rest what `method` asks for.

    Attention is summed over the patches of a visual token and keys are averaged over them, both of the layer that the
    features come from. Attention is that of [CLS], or the mean over all patches of the view (of the image, where the
    tower's views are of any size) where a tower has none. The query is the embedding of each text token of the prompt
    as the language model takes it.

    Args:
        host: The model and its processor, whose tokens tell how tiles are arranged.
        inputs: Those of the full prompt.
        groups: The placeholders of each image.
        method: The reducer.
        heard: What the tower told, from `hearing`.

    Raises:
        NotImplementedError: the method needs what this model, or this adapter of it, does not give.
    """
    try:
        layouts = host.layouts(inputs, groups)
    except NotImplementedError as reason:
        layouts, heard = [TokenLayout() for _ in groups], HeardTower(reason=str(reason))
    out = []
    for layout, group in zip(layouts, groups, strict=True):
        found: dict[str, Any] = {"grid": layout.grid, "tiles": layout.tiles}
        found |= _from_tower(heard, layout)
        if "query" in asked_by(method):
            found["query"] = text_embeddings(host.model, inputs, group[0].row)
        _check(host.model, method, found, heard.reason)
        out.append(FeatureContext(**found))
    return out


def _from_tower(heard: HeardTower, layout: TokenLayout) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    if layout.mean is None or layout.patches is None:
        return found
    for name, layer in heard.layers.items():
        if name == KEYS:
            found[name] = layout.mean(torch.cat(layer.keys)).float()
        else:
            received = torch.cat(layer.received)
            means = layout.mean(received[:, None])[:, 0]
            found[name] = means * layout.patches.to(means) / layout.lookers
    return found


@torch.no_grad()
def text_embeddings(model: Model, inputs: Mapping[str, Any], row: int) -> Tensor | None:
    """Returns the embeddings (m, d) of the text of a prompt, without its images, padding, beginning and end.

    None where there is no text.
    """
    ids = inputs["input_ids"][row]
    text = model.config.get_text_config()
    special = {model.config.image_token_id}
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        value = getattr(text, name, None)
        special |= {value} if isinstance(value, int) else set(value or ())
    kept = inputs["attention_mask"][row].bool() & ~torch.isin(ids, torch.tensor(sorted(special), device=ids.device))
    found: Tensor = model.get_input_embeddings()(ids[kept])
    return found if len(found) else None


def _check(model: Model, method: Reducer, found: Mapping[str, Any], reason: str) -> None:
    """Refuses, with the reason, what the method needs and the model does not give."""
    name, kind = type(method).__name__, model.config.model_type
    missing = sorted(one for one in getattr(method, "needs", ()) if found.get(one) is None)
    if missing:
        why = {
            "grid": "the tokens of this image are not one grid of cells",
            "tiles": "which view each token belongs to is not known",
            "query": "the prompt has no text",
        }.get(missing[0], reason or "how the tower's tokens become visual tokens is not known")
        raise NotImplementedError(f"{name} needs {missing[0]}, which {kind} does not give here: {why}")
    tiles = found["tiles"]
    if "tiles" in getattr(method, "needs", ()) and isinstance(tiles, Tensor) and bool(tiles.any()):
        raise NotImplementedError(
            f"{name} needs to know how the tiles of an image are arranged, which {kind} does not tell here; "
            "pass processor= where its tokens name rows and columns, or choose another method"
        )
