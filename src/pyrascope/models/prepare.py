"""Inputs of a full prompt made into those of one with exactly B visual tokens; the model is not touched."""

from typing import Any

import torch
from torch import Tensor

from ..allocation.reducer import Reducer, Reduction
from .features import Inputs, reduce_inputs
from .inputs import check_processor
from .reduce import check_reducer
from .support import check_model


def prepare(
    model: Any,
    processor: Any,
    images: Any,
    text: Any,
    *,
    method: Reducer,
    budget: Any,
    **options: str,
) -> tuple[Inputs, list[Reduction]]:
    """Returns inputs with exactly `budget` visual tokens an image, for `generate` and `forward`, and the reductions.

    The tower runs once, on all that the processor made. Gradients flow where they are enabled.

    Args:
        model: A model of transformers that takes encoded features.
        processor: Its processor.
        images: As the processor takes them; None for prompts without images, which pass through.
        text: One prompt or several, with their image placeholders.
        method: A reducer.
        budget: Tokens of each image, from 1 to what it has in full; or one number for each in a list.
        options: `share` and `positions`, as `reduce_inputs`.

    Raises:
        ImportError, TypeError, NotImplementedError, ValueError: as `reduce_inputs`.
    """
    model = check_model(model)
    check_reducer(method)
    check_processor(model, processor)
    several = not isinstance(text, str)
    given = {"text": text, "return_tensors": "pt", **({"padding": True} if several else {})}
    inputs = processor(**given) if images is None else processor(images=images, **given)
    inputs = {name: _moved(value, model.device) for name, value in inputs.items()}
    return reduce_inputs(model, inputs, method, budget, processor=processor, **options)


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value
