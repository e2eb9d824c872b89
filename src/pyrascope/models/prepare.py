"""Inputs of a full prompt made into those of one with exactly B visual tokens; the model is not touched."""

from typing import Any

import torch
from torch import Tensor

from .._check import shorten
from .._moved import names_of
from ..allocation.contracts.allocator import Allocator
from ..allocation.contracts.reducer import Reducer, Reduction
from ..allocation.plan import Plan
from ..world.wording import check_prompts
from .features.site import Inputs
from .fewer import with_fewer_tokens
from .host import check_model
from .pixels.planning import DEFAULT
from .pixels.sources import readable
from .sites import LAYERS, check_options, site_of
from .stock.inputs import check_processor


def prepare(
    model: Any,
    processor: Any,
    images: Any,
    text: Any,
    *,
    method: Allocator | Reducer = DEFAULT,
    budget: Any,
    **options: Any,
) -> tuple[Inputs, list[Plan] | list[Reduction]]:
    """Returns inputs with exactly `budget` visual tokens an image, for `generate` and `forward`, and what was chosen.

    The tower runs once: for an allocator on the planned patches, for a reducer on all that the processor made.
    Gradients flow where they are enabled.

    Args:
        model: A model of transformers that takes encoded features.
        processor: Its processor.
        images: As the processor takes them, or paths, read as `readable` says; None for prompts without images, which
            pass through.
        text: One prompt or several, with their image placeholders.
        method: An allocator (`pyrascope.methods`, pixels site) or a reducer (`pyrascope.reducers`, features site).
            Where none is given, `TwoLevels()`, for the reason that `attach` says.
        budget: Tokens of each image, from 1 to what it has in full; or one number for each in a list.
        options: As `PixelOptions` for an allocator; `share` and `positions`, as `reduce_inputs`, for a reducer.

    Returns:
        The inputs, and for each image its plan, in source pixels, or its reduction.

    Raises:
        ImportError, TypeError, ValueError, NotImplementedError: as `plan_inputs` and `reduce_inputs`.
    """
    model = check_model(model)
    site = site_of(method)
    if site == LAYERS:
        raise TypeError(f"method must be of the pixels or features site, got {shorten(method)}; use attach")
    check_options(site, options)
    check_processor(model, processor, called=True)
    several = not isinstance(text, str)
    check_prompts(processor, text if several else [text])
    given = {"text": text, "return_tensors": "pt", **({"padding": True} if several else {})}
    images = readable(images)
    inputs = processor(**given) if images is None else processor(images=images, **given)
    inputs = {name: _moved(value, model.device) for name, value in inputs.items()}
    return with_fewer_tokens(model, inputs, method, budget, processor=processor, images=images, **options)


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


__getattr__ = names_of(__name__)
