"""Where in an image a question looks: the attention of the prompt's last token in one layer of the language model."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from ..._check import one_of, whole_number
from ...allocation.contracts.attention import AttentionHeads
from ..host import Host
from ..prompts.images import image_runs
from ..stock.decoder import layers_of, projected, uncompiled, windows_of
from ..stock.encode import with_features
from ..stock.inputs import REDUCED, check_inputs, has_images, with_mask
from ..stock.own_thread import before_here
from ..stock.patched import by_names
from ..stock.placeholders import Run, columns_of
from ..stock.protocols import Model

DEBIAS = ("none", "positions", "trend")


class _Seen(Exception):
    """Ends a forward pass once the layer in question has been looked into."""


@torch.no_grad()
def probe(
    model: Any,
    inputs: Mapping[str, Any],
    *,
    layer: int | None = None,
    generic: Mapping[str, Any] | None = None,
    debias: str = "none",
    processor: Any = None,
) -> list[Tensor]:
    """Returns how much the last token of each prompt attends to each visual token, one map an image.

    The model runs up to the norm and the projections of one layer and no further; its attention backend stays, and
    nothing of the model is changed. A map is the mean over heads of the softmax over all tokens, equal to the layer's
    attention weights.

    Args:
        model: A model of transformers that takes encoded features.
        inputs: What the processor returns, or `reduce_inputs`; text alone gives no maps.
        layer: Number of layers that run before, from 0; None for 14 of 32, in proportion.
        generic: The same images with a prompt that asks nothing in particular: each map is divided by that of this
            one, which takes out what attracts every prompt. Without pixels it gets those of `inputs`.
        debias: "none"; "positions": queries and keys are not rotated, so that what stands near the last token has no
            advantage; "trend": each map is divided by the exponential of its tokens' order that fits it best, on log
            scale.
        processor: Needed by SmolVLM and Idefics3, to tell which tiles make up an image.

    Returns:
        Float32 (rows, columns) where the tokens of an image are known to be one grid, else (n,) in their order.

    Raises:
        ImportError, TypeError, ValueError: as `reduce_inputs`; or the images of `generic` are others.
        NotImplementedError: a language model that is not served.
        ValueError: the layer sees nothing of an image (a sliding window); the message names layers that do.

    Source: last-token attention, and its ratio to a generic prompt: Zhang et al. 2025, "MLLMs Know Where to Look:
    Training-free Perception of Small Visual Details with Multimodal LLMs"; without rotation: Endo et al. 2024,
    "Feather the Throttle: Revisiting Visual Token Pruning for Vision-Language Model Acceleration"; against the trend:
    Zhao et al. 2025, "Attention Debiasing for Token Pruning in Vision-Language Models". Differs from the last in that
    the trend is fitted to the image itself, instead of to the mean over many.
    """
    host = Host.of(model, processor)
    model = host.model
    one_of(debias, "debias", DEBIAS)
    layers = layers_of(model)
    at = whole_number(len(layers) * 14 // 32 if layer is None else layer, "layer", 0, len(layers) - 1)
    check_inputs(model, inputs, reduced=True)
    if not has_images(inputs) and not inputs.get(REDUCED):
        return []
    full = with_mask(inputs)
    given = with_features(model, full) if has_images(full) else full
    images = image_runs(model, given["input_ids"], given[REDUCED], processor)
    maps = _maps(model, given, images, at, debias)
    if generic is not None:
        other = with_mask({REDUCED: given[REDUCED], **generic})
        other = with_features(model, other) if has_images(generic) else other
        plain = _maps(model, other, image_runs(model, other["input_ids"], other[REDUCED], processor), at, debias)
        if [len(one) for one in maps] != [len(one) for one in plain]:
            raise ValueError(
                f"generic must show the same images, of {[len(one) for one in maps]} tokens, "
                f"got {[len(one) for one in plain]}; give it the same pixels"
            )
        tiny = torch.finfo(torch.float32).tiny
        maps = [one / two.clamp(min=tiny) for one, two in zip(maps, plain, strict=True)]
    if debias == "trend":
        maps = [without_trend(one) for one in maps]
    grids = _grids(host, full, images)
    return [one.reshape(grid) if grid else one for one, grid in zip(maps, grids, strict=True)]


def _maps(model: Model, given: dict[str, Any], images: list[list[Run]], layer: int, debias: str) -> list[Tensor]:
    """What the last token of each prompt attends to of each image (n,)."""
    rows = last_rows(model, given, layer, rotated=debias != "positions")
    maps = [rows[image[0].row, columns_of(image)] for image in images]
    if any(not bool((one > 0).any()) for one in maps):
        seeing = [i for i, window in enumerate(windows_of(layers_of(model))) if window is None]
        raise ValueError(
            f"the layer must see every image from the last token, got layer {layer}, whose window does not reach; "
            + (f"choose one of {seeing}" if seeing else "no layer sees without a window, so shorten the prompt")
        )
    return maps


def last_rows(model: Model, given: Mapping[str, Any], layer: int, *, rotated: bool = True) -> Tensor:
    """Returns the attention of each prompt's last token in a layer, mean over heads, float32 (b, s); 0 for padding.

    Args:
        model: The model.
        given: Its inputs, with an attention mask.
        layer: Number of layers that run before.
        rotated: False for queries and keys without their positions.
    """
    block, found = layers_of(model)[layer], []

    def look(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        rest = by_names(module.forward)(*args, **kwargs)
        hidden = rest.pop("hidden_states")
        if not rotated:
            cosine, sine = rest["position_embeddings"]
            rest["position_embeddings"] = torch.ones_like(cosine), torch.zeros_like(sine)
        found.append(projected(module, hidden, rest))
        raise _Seen

    with uncompiled(model), before_here(block, look), suppress(_Seen):
        model(**given, use_cache=False)
    query, key, mask, factor = found[0]
    shown = given["attention_mask"].bool()
    if shown.shape != (len(key), key.shape[2]):
        raise ValueError(
            f"the layer must see the whole prompt, {shown.shape[1]} tokens, got {key.shape[2]}; probe outside `attach`"
        )
    last = (torch.arange(shown.shape[1], device=shown.device) * shown).argmax(1)
    rows = [
        AttentionHeads(
            query[row], key[row], factor, None if mask is None else mask[row if len(mask) > 1 else 0, 0]
        ).attention(last[row : row + 1])
        for row in range(len(key))
    ]
    out: Tensor = torch.cat(rows) * shown
    return out


def without_trend(scores: Tensor) -> Tensor:
    """Returns scores (n,) over the exponential of their order that fits them best: least squares on log scale.

    Zeros stay zeros, and the geometric mean of the others becomes 1.

    Example:
        >>> without_trend(torch.tensor([1.0, 2.0, 4.0, 8.0]))
        tensor([1., 1., 1., 1.])
    """
    place = torch.arange(len(scores), device=scores.device, dtype=torch.float64)
    some = scores > 0
    values, x = scores[some].double().log(), place[some]
    middle = x - x.mean()
    slope = (middle * values).sum() / middle.square().sum().clamp(min=torch.finfo(torch.float64).tiny)
    trend = torch.exp(values.mean() + slope * (place - x.mean()))
    return (scores / trend).to(scores.dtype)


def _grids(host: Host, inputs: Mapping[str, Any], images: list[list[Run]]) -> list[tuple[int, int] | None]:
    """Rows and columns of each image's tokens, where they are known to be one grid."""
    if not has_images(inputs):
        return [None] * len(images)
    return [layout.grid for layout in host.layouts(inputs, images)]
