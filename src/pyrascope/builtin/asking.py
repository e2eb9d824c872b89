"""Asking the built-in model in one call."""

import functools
import warnings
from pathlib import Path
from typing import Any

from ..models.ask.answer import Answer, answer
from ..models.pixels.sources import readable
from .domain import doubts
from .folder import default_model
from .look import TrainedLook, default_method, looking, trained_look
from .package import load

BUDGET = 96


def ask(
    image: Any, question: str, budget: int | None = BUDGET, *, method: Any = None, folder: Path | None = None
) -> Answer:
    """Returns the built-in model's answer to a question about one of its scenes; it is loaded once.

    A picture that is not of its world, and a question of no form that it was taught, get an answer too, with its
    entropy and a warning.

    Args:
        image: A PIL image, or uint8 (h, w, 3); a path too.
        question: In words that it knows; `builtin.wording.EXAMPLES` has one of each family.
        budget: Visual tokens; None: all 1024, without a method.
        method: Of any site; None: a coarse look at everything, and the finest cells where the model's own look points.
            A `CoarseToFine` without a detector gets that look.
        folder: Of another model that `pyrascope train` wrote.

    Raises:
        ImportError: transformers is missing or too old.
        FileNotFoundError: the weights are not there.
        ValueError: words that it does not know, all of them named, or a budget out of range.

    Warns:
        UserWarning: what speaks against the answer, as `domain.doubts`.
    """
    image = readable(image)
    for doubt in doubts(image, question):
        warnings.warn(doubt, stacklevel=2)
    model, processor, look = _loaded(default_model() if folder is None else folder)
    if budget is None:
        return answer(model, processor, image, question)
    chosen = default_method(look) if method is None else looking(method, look)
    return answer(model, processor, image, question, method=chosen, budget=budget)


@functools.lru_cache(maxsize=1)
def _loaded(folder: Path) -> tuple[Any, Any, TrainedLook | None]:
    return (*load(folder), trained_look(folder))
