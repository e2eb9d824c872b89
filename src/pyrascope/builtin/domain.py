"""Whether a picture and a question can be of the built-in model's world; where not, its answer comes with a warning."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.pixels.sources import size_of, values_of
from ..world.vocabulary import COLORS
from ..world.wording import checked, question_family
from .architecture import CELL, GRID

SIDE = CELL * GRID
NEAR = 40
"""Farthest that a thing's colour lies from its name's, in 255ths: beyond four standard deviations."""
EVEN = 0.002
"""Least share of the picture that one colour fills evenly; of 400 scenes the least was 0.0026, and
of 171 windows of 512 px in photographs and scanned papers 134 had less (2026-11-26)."""


def doubts(image: Any, question: str) -> list[str]:
    """Returns what speaks against the built-in model's answer before it is given, one sentence each.

    Args:
        image: As the processor takes it.
        question: The question.

    Raises:
        ValueError: words that the model does not know, as `checked`.
    """
    found = []
    why = stranger(image)
    if why is not None:
        found.append(f"the built-in model knows only its own scenes ({why}): take the answer as a guess")
    if question_family(checked(question)) is None:
        found.append("the built-in model was taught no question of this form: take the answer as a guess")
    return found


def stranger(image: Any) -> str | None:
    """Returns why a picture cannot be a scene of the built-in model's world; None where nothing speaks against it.

    Two things are asked for: the size that the model was trained at, and one colour near that of an object which fills
    an even part (each pixel as its right, lower and diagonal neighbours). An exact grey does not count: paper, and
    what is too bright or too dark for a camera, are even too. So a drawing in like colours passes for a scene.

    Args:
        image: As the processor takes it.
    """
    height, width = size_of(image)
    if (height, width) != (SIDE, SIDE):
        return f"its scenes have {SIDE}x{SIDE} px, this picture has {width}x{height}"
    array = np.rint(values_of(image, 1.0).movedim(0, -1).numpy()).astype(np.int64)
    if even_share(array) < EVEN:
        return "its scenes show evenly coloured objects, this picture shows none"
    return None


def even_share(image: NDArray[np.int64]) -> float:
    """Returns the share of a picture (h, w, 3), 0 to 255, that the commonest colour of an object fills evenly.

    >>> red = np.tile([205, 40, 40], (9, 9, 1))
    >>> even_share(red), even_share(red + 50), even_share(np.full((9, 9, 3), 235))
    (1.0, 0.0, 0.0)
    """
    if image.shape[-1] != 3:
        return 0.0
    first, others = image[:-1, :-1], (image[1:, :-1], image[:-1, 1:], image[1:, 1:])
    even = np.all([(first == other).all(-1) for other in others], axis=0)
    codes, counts = np.unique(first[even] @ np.array([1 << 16, 1 << 8, 1]), return_counts=True)
    found = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], -1)
    near = abs(found[:, None] - np.array(list(COLORS.values()))).max(-1).min(1, initial=256) <= NEAR
    grey = (found == found[:, :1]).all(-1)
    return float(counts[near & ~grey].max(initial=0) / even.size)
