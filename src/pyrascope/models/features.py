"""The features site: the tower sees the whole image, the language model exactly B of its tokens."""

from collections.abc import Mapping
from typing import Any

import torch

from .._check import one_of
from ..allocation.reducer import Reducer, Reduction
from .context import contexts, hearing
from .encode import encode, tower_arguments
from .families import family_of
from .inputs import REDUCED, check_inputs, has_images, with_mask
from .placeholders import placeholder_runs
from .reduce import budgets_of, check_reducer, reduce
from .shrink import ORIGINAL, POSITIONS, shorter
from .support import check_model

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
) -> tuple[Inputs, list[Reduction]]:
    """Returns the inputs of the shorter prompts, and what was kept of each image; inputs without images pass through.

    Padding is taken out and put back on the side where it was (left where there was none).

    Args:
        model: A model of transformers that takes encoded features.
        inputs: What the processor returns; with `labels` too in training. A missing attention mask is added.
        method: A reducer.
        budget: As `prepare`.
        processor: Needed by SmolVLM and Idefics3, to tell which tiles make up an image.
        share: "image": `budget` is that of each image; "prompt": of all images of a prompt together.
        positions: "original": every token keeps the position that it has in the full prompt; "compact": positions that
            nothing uses any more close up. Under M-RoPE both keep an image's arrangement in rows and columns.

    Raises:
        ImportError: transformers is missing or too old.
        TypeError: the model or the method cannot do this.
        ValueError: a budget out of range, videos, or placeholders that do not match the images.
    """
    check_model(model)
    check_reducer(method)
    one_of(positions, "positions", POSITIONS)
    check_inputs(model, inputs)
    if not has_images(inputs):
        return dict(inputs), []
    full = with_mask(inputs)
    ids = full["input_ids"]
    with hearing(model, full, method) as heard:
        encoded = encode(model, full)
    runs = placeholder_runs(ids, model.config.image_token_id)
    groups = family_of(model.config.model_type).images(runs, encoded.items, ids, processor)
    counts = [sum(len(run.columns) for run in group) for group in groups]
    budgets = budgets_of(budget, counts, [group[0].row for group in groups], share)
    features = torch.split(encoded.rows, counts)
    known = contexts(model, full, groups, method, heard, processor)
    found = [reduce(method, *each) for each in zip(features, budgets, known, strict=True)]

    keep = full["attention_mask"].bool() & (ids != model.config.image_token_id)
    kept, start = [], 0
    for group, reduction, count in zip(groups, found, counts, strict=True):
        columns = torch.tensor([column for run in group for column in run.columns], device=ids.device)
        keep[group[0].row, columns[reduction.kept.to(ids.device)]] = True
        kept.append(reduction.kept + start)
        start += count
    out = shorter(model, full, keep, positions, used=tower_arguments(model))
    out[REDUCED] = encoded.take(kept, [one.features for one in found])
    return out, found
