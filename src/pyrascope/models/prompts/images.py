"""Where the images of a prompt stand in it."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..families import family_of
from ..stock.encode import pooled_of
from ..stock.placeholders import Run, placeholder_runs
from ..stock.protocols import Model, Processor


def image_runs(model: Model, ids: Tensor, encoded: Mapping[str, Any], processor: Processor | None) -> list[list[Run]]:
    """Returns the placeholders of each image in the prompts `ids` (b, s), one list of runs an image.

    Args:
        model: The model.
        ids: The prompts.
        encoded: The tower's output for them, as `mm_encoder_outputs`; of unequal images in one tensor, each run is one.
        processor: Needed by SmolVLM and Idefics3, to tell which tiles make up an image.

    Raises:
        ValueError: placeholders that do not match the images, or videos.
    """
    if set(encoded) != {"image"}:
        raise ValueError(f"images are served but not {', '.join(sorted(set(encoded) - {'image'}))}; leave it out")
    pooled = pooled_of(encoded["image"])
    runs = placeholder_runs(ids, model.config.image_token_id)
    if isinstance(pooled, Tensor) and len(pooled) == 1:
        return [[run] for run in runs]
    items = [rows.numel() // rows.shape[-1] for rows in pooled]
    return family_of(model.config.model_type).arrangement.images(runs, items, ids, processor)
