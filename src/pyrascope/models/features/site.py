"""The features site: the tower sees the whole image, the language model exactly B of its tokens."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...allocation.contracts.reducer import FeatureContext, Reducer, Reduction
from ..budgets import budgets_of
from ..host import Host
from ..options import ORIGINAL, PixelOptions
from ..prompts.placement import by_centre, with_centres
from ..prompts.shrink import shorter, stock_positions
from ..sites import FEATURES, check_site
from ..stock.clock import PLANNING, span
from ..stock.encode import encode, tower_arguments
from ..stock.inputs import REDUCED, check_inputs, has_images, with_mask
from .context import contexts, hearing
from .reduce import reduce

Inputs = dict[str, Any]


def reduce_inputs(
    model: Any,
    inputs: Mapping[str, Any],
    method: Reducer,
    budget: Any,
    *,
    processor: Any = None,
    share: str = "image",
    positions: str = ORIGINAL,
    at_most: bool = False,
) -> tuple[Inputs, list[Reduction]]:
    """Returns the inputs of the shorter prompts, and what was kept of each image; inputs without images pass through.

    Padding is taken out and put back on the side where it was (left where there was none).

    Args:
        model: A model of transformers that takes encoded features.
        inputs: What the processor returns; with `labels` too in training. A missing attention mask is added.
        method: A reducer.
        budget: Tokens of each image, a list with one number an image, or a ratio of all, a float in (0, 1].
        processor: Needed by SmolVLM and Idefics3, to tell which tiles make up an image.
        share: "image": `budget` is that of each image; "prompt": of all images of a prompt together.
        positions: "original": every token keeps the position that it has in the full prompt; "compact": positions that
            nothing uses any more close up. Under M-RoPE both keep an image's arrangement in rows and columns. Merged
            tokens stand, where the image is one grid, at the position of the cell that holds their centre, under
            M-RoPE at the centre itself, and follow one another by that.
        at_most: Whether an image that has fewer tokens than its budget keeps what it has, instead of an error.

    Raises:
        ImportError: transformers is missing or too old.
        TypeError: the model or the method cannot do this.
        NotImplementedError: the method needs something of the tower, such as its attention, that is not known.
        ValueError: a budget out of range, videos, placeholders that do not match the images, or a processor of another
            model.
    """
    options = PixelOptions(share=share, positions=positions, at_most=at_most)
    return reduced_inputs(Host.of(model, processor), inputs, method, budget, options)


def reduced_inputs(
    host: Host, inputs: Mapping[str, Any], method: Reducer, budget: Any, options: PixelOptions
) -> tuple[Inputs, list[Reduction]]:
    """Does what `reduce_inputs` says, for a model that has been checked."""
    check_site(method, FEATURES)
    model = host.model
    check_inputs(model, inputs)
    if not has_images(inputs):
        return dict(inputs), []
    full = with_mask(inputs)
    ids = full["input_ids"]
    with hearing(model, full, method) as heard:
        encoded = encode(model, full)
    groups = host.images(ids, encoded.items)
    counts = [sum(len(run.columns) for run in group) for group in groups]
    budgets = budgets_of(budget, counts, [group[0].row for group in groups], options.share, options.at_most)
    features = torch.split(encoded.rows, counts)
    known = contexts(host, full, groups, method, heard)
    with span(PLANNING):
        found = [reduce(method, *each) for each in zip(features, budgets, known, strict=True)]

    keep = full["attention_mask"].bool() & (ids != host.image_token)
    place = stock_positions(model, full)
    kept, rows, start = [], [], 0
    for group, one, context, count in zip(groups, found, known, counts, strict=True):
        columns = torch.tensor([column for run in group for column in run.columns], device=ids.device)
        mine = columns[one.kept.to(ids.device)]
        keep[group[0].row, mine] = True
        place, order = _at_centres(place, group[0].row, columns, mine, one, context)
        kept.append(one.kept[order] + start)
        rows.append(one.features[order])
        start += count
    full["position_ids"] = place[0] if len(place) == 1 else place
    out = shorter(model, full, keep, options.positions, used=tower_arguments(model))
    out[REDUCED] = encoded.take(kept, rows)
    return out, found


def _at_centres(
    place: Tensor, row: int, columns: Tensor, mine: Tensor, found: Reduction, context: FeatureContext
) -> tuple[Tensor, Tensor]:
    """Returns positions with those of an image's merged tokens at their centres, and the order of its tokens."""
    centres = getattr(found, "positions", None)
    if centres is None or context.grid is None:
        return place, torch.arange(len(mine), device=found.kept.device)
    rows, cells = context.grid
    order = by_centre(centres, torch.arange(rows * cells).reshape(rows, cells))
    return with_centres(place, row, columns, mine, order), order.boxes.to(found.kept.device)
