"""What arrives for a model, checked: which calls can be reduced, which pass through, which are refused."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..._check import shorten
from .protocols import Model, Processor

PIXEL_INPUTS = ("pixel_values", "pixel_values_images", "image_patches")
REDUCED = "mm_encoder_outputs"


def check_processor(model: Model, processor: Processor | None, *, called: bool = False) -> None:
    """Refuses what is not a processor, or one whose image placeholder is not the model's.

    Args:
        model: The model.
        processor: Its processor, or None where it can be done without.
        called: True where the processor will be called.

    Raises:
        TypeError: no processor, or a class.
        ValueError: another token.
    """
    theirs = _image_tokens(processor)
    if theirs and model.config.image_token_id not in theirs:
        raise ValueError(
            f"processor must be that of the model, whose image token is {model.config.image_token_id}, "
            f"got {type(processor).__name__} with {', '.join(map(str, theirs))}; load both from one place"
        )
    known = hasattr(processor, "tokenizer") or hasattr(processor, "image_token_id") or callable(processor)
    if isinstance(processor, type) or (not callable(processor) if called else processor is not None and not known):
        raise TypeError(
            f"processor must be that of the model, got {shorten(processor)}; load it with AutoProcessor.from_pretrained"
        )


def _image_tokens(processor: Any) -> list[int]:
    """The ids that a processor puts into prompts for images; Gemma3's `image_token_id` is what it replaces by them."""
    several = getattr(processor, "image_token_ids", None) or [getattr(processor, "image_token_id", None)]
    return [token for token in several if isinstance(token, int)]


def has_images(inputs: Mapping[str, Any]) -> bool:
    """True if the call brings pixels."""
    return any(inputs.get(name) is not None for name in PIXEL_INPUTS)


def check_inputs(model: Model, inputs: Mapping[str, Any], *, reduced: bool = False) -> None:
    """Refuses what would otherwise be computed wrongly or not reduced.

    Args:
        model: The model.
        inputs: The call's arguments.
        reduced: True if features that are encoded already are welcome, too, in place of the pixels.

    Raises:
        ValueError: videos, features that are encoded already, placeholders without images, or images beside a filled
            cache; or words of a prompt that the model does not know, where its configuration says how these are marked
            (`unknown_token_id`, as the built-in model's).
        TypeError: no token ids, or a mask that is not (b, s).
    """
    video = sorted(name for name, value in inputs.items() if "video" in name and value is not None)
    if video:
        raise ValueError(f"images can be reduced but videos cannot yet, got {video[0]}; leave the video out")
    if inputs.get(REDUCED) and (not reduced or has_images(inputs)):
        raise ValueError(f"inputs must not be reduced twice, got {REDUCED}; pass them outside `attach`")
    ids = inputs.get("input_ids")
    if ids is None and not has_images(inputs):
        return
    if not isinstance(ids, Tensor) or ids.ndim != 2:
        raise TypeError(f"input_ids must be a tensor (prompts, tokens), got {_form(ids)}; use the model's processor")
    cache = inputs.get("past_key_values")
    going_on = cache is not None and cache.get_seq_length() > 0
    if going_on and has_images(inputs):
        raise ValueError("images must come with the first call, got them beside a filled cache; start a new one")
    mask = inputs.get("attention_mask")
    arrives = has_images(inputs) or inputs.get(REDUCED)  # a prompt of text alone passes through as it is
    if mask is not None and arrives and not going_on and (not isinstance(mask, Tensor) or mask.shape != ids.shape):
        raise TypeError(f"attention_mask must have the shape of input_ids, {tuple(ids.shape)}, got {_form(mask)}")
    unknown = getattr(model.config, "unknown_token_id", None)
    if unknown is not None and arrives and not going_on and bool((ids == unknown).any()):
        count = int((ids == unknown).sum())
        raise ValueError(
            f"the prompts must use words that the model knows, got {count} that it does not and would guess at; the "
            "command `pyrascope look` names them"
        )
    placeholders = int((ids == model.config.image_token_id).sum())
    if placeholders and not has_images(inputs) and not inputs.get(REDUCED) and not going_on:
        raise ValueError(
            f"the prompts must have as many image placeholders as the images have features, got {placeholders} "
            "placeholders and no image; pass the images too"
        )


def _form(value: object) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def with_mask(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the inputs with an attention mask; without one every token counts, padding too."""
    out = {name: value for name, value in inputs.items() if value is not None}
    if "attention_mask" not in out:
        out["attention_mask"] = torch.ones_like(out["input_ids"])
    return out
