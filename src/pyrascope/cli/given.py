"""What the user says on the command line about an image: where to look, and what matters."""

import math
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from .._check import shorten
from ..allocation.contracts.allocator import Context
from ..allocation.importance import ImportanceMap, weight_of
from ..allocation.plan import grid_of
from ..api import importance_map
from ..io import as_tensor
from ..methods.named import map_from

OWN = "auto"


def whole_budget(text: str) -> int | None:
    """Returns a number of tokens, or None for "auto": the number that the method chooses itself."""
    if text.strip().lower() == OWN:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"--budget must be a whole number or {OWN}, got {shorten(text)}") from None


def fixations(texts: Sequence[str]) -> Context:
    """Returns the context of places "Y,X" in source pixels."""
    if not texts:
        return Context()
    points = []
    for text in texts:
        try:
            y, x = (float(part) for part in text.split(","))
        except ValueError:
            raise ValueError(f"--fixation must be Y,X in source pixels, as in 120,80, got {shorten(text)}") from None
        points.append((y, x))
    return Context(fixation=points)


def weight(text: str | None, image: Tensor, cell: int, context: Context) -> Tensor | None:
    """Returns the weight that `--weight` names: a picture, whose brightness counts, or an importance map."""
    if text is None:
        return None
    if Path(text).is_file():
        return as_tensor(Path(text))[0].mean(0)
    try:
        chosen = map_from(text)
    except ValueError as error:
        raise ValueError(
            f"--weight must be a picture or an importance map: no file {shorten(text)}, and {error}"
        ) from None
    return map_as_weight(chosen, image, cell, context)


def map_as_weight(chosen: ImportanceMap, image: Tensor, cell: int, context: Context) -> Tensor:
    """Returns an importance map of an image as a weight of it."""
    return weight_of(importance_map(image, chosen, cell, context), (image.shape[-2], image.shape[-1]), cell)


def cells(images: Sequence[Tensor], cell: int) -> int:
    """Returns how many cells images have in all."""
    return sum(math.prod(grid_of((image.shape[-2], image.shape[-1]), max(cell, 1))) for image in images)


def loaded(paths: Sequence[Path]) -> list[Tensor]:
    """Returns pictures as tensors (c, h, w)."""
    return [as_tensor(path)[0] for path in paths]
