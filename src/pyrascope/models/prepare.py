"""Inputs of a full prompt made into those of one with exactly B visual tokens; the model is not touched."""

from collections.abc import Sequence
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
from .host import Host
from .options import GRID, ORIGINAL, PixelOptions, check_options
from .pixels.planning import DEFAULT
from .pixels.sources import readable
from .sites import LAYERS, site_of


def prepare(  # noqa: PLR0913 (options by name)
    model: Any,
    processor: Any,
    images: Any,
    text: Any,
    *,
    method: Allocator | Reducer = DEFAULT,
    budget: Any,
    share: str = "image",
    positions: str = ORIGINAL,
    at_most: bool = False,
    finest: str | int = GRID,
    sized: float | None = None,
    weights: Sequence[Tensor | None] | None = None,
) -> tuple[Inputs, Sequence[Plan] | Sequence[Reduction]]:
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
        budget: Tokens of each image, from 1 to what it has in full; or one number for each in a list. A float in (0, 1]
            is a ratio of the stock count, rounded half up, at least 1.
        share: "image": every image has the budget; "prompt": the images of a prompt share it.
        positions: "original": tokens keep their places in the prompt; "compact": positions that nothing uses any more
            close up.
        at_most: Whether an image that has fewer tokens than its budget keeps what it has, instead of an error.
        finest: Of an allocator alone: its finest level, "grid" (the model's own), "source" (as fine as the image is, at
            most 3 octaves) or a number of octaves from 0 to 3.
        sized: Of an allocator alone: share, 0 to 1, of log(area) that makes coarse tokens count for more in the tower's
            attention; None: 0.5 where the tower takes it. See `pyrascope.models.PixelOptions`.
        weights: Of an allocator alone: how much the places of each image matter, one map (h', w') or None an image.

    Returns:
        The inputs, and for each image its plan, in source pixels, or its reduction.

    Raises:
        ImportError: transformers is missing or too old.
        TypeError: the model cannot be served, `method` is not an allocator or a reducer, or an option means nothing at
            its site.
        NotImplementedError: the tower cannot take plans, or does not give what a reducer needs.
        ValueError: a budget out of range, videos, or placeholders that do not match the images.
    """
    site = site_of(method)
    if site == LAYERS:
        raise TypeError(f"method must be of the pixels or features site, got {shorten(method)}; use attach")
    options = PixelOptions(share, positions, at_most, finest, sized, weights)
    check_options(site, options)
    host = Host.of(model, processor, called=True)
    several = not isinstance(text, str)
    check_prompts(processor, text if several else [text])
    given = {"text": text, "return_tensors": "pt", **({"padding": True} if several else {})}
    images = readable(images)
    inputs = processor(**given) if images is None else processor(images=images, **given)
    inputs = {name: _moved(value, host.model.device) for name, value in inputs.items()}
    return with_fewer_tokens(host, inputs, method, budget, images=images, options=options)


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


__getattr__ = names_of(__name__)
