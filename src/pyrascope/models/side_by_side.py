"""One question, answered for B visual tokens by a method, by a plain resize, and with all tokens."""

from typing import Any

from ..methods import Resize
from ..methods.reducers import Resize as ResizedFeatures
from .answer import Answer, answer

LOOK, RESIZE, FULL = "look", "resize", "full"


def side_by_side(
    model: Any,
    processor: Any,
    image: Any,
    question: str,
    *,
    method: Any,
    budget: int,
    max_new_tokens: int = 32,
    full: bool = True,
) -> dict[str, Answer]:
    """Returns the answers by name: "look" by the method, "resize", and "full" where asked for.

    The resize is one before the tower, or one of its features where the tower takes the stock image only. Everything
    has run once before times are taken, but the full prompt.

    Args:
        model: As `answer`; likewise what is not named here.
        processor: As `answer`.
        image: As `answer`.
        question: As `answer`.
        method: A method of any site.
        budget: Visual tokens; a resize may use fewer.
        max_new_tokens: As `answer`.
        full: Whether to ask with all visual tokens too.

    Raises:
        ImportError, TypeError, ValueError: as `answer`.
    """

    def ask(chosen: Any = None, most: int = max_new_tokens) -> Answer:
        tokens = None if chosen is None else budget
        return answer(model, processor, image, question, method=chosen, budget=tokens, max_new_tokens=most)

    ask(method, 1)
    found = {LOOK: ask(method)}
    try:
        ask(Resize(), 1)
        found[RESIZE] = ask(Resize())
    except NotImplementedError:
        found[RESIZE] = ask(ResizedFeatures())
    if full:
        found[FULL] = ask()
    return found
