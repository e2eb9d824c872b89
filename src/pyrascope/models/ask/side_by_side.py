"""One question, answered for B visual tokens by a method, by a plain resize, and with all tokens."""

from dataclasses import replace
from typing import Any

from .answer import Answer, answer
from .resized import by_resize

LOOK, RESIZE, FULL = "look", "resize", "full"


def side_by_side(
    model: Any,
    processor: Any,
    image: Any,
    question: str,
    *,
    method: Any,
    budget: int | float,
    gate: float | None = None,
    full: bool = True,
    **options: Any,
) -> dict[str, Answer]:
    """Returns the answers by name: "look" by the method, "resize", and "full" where asked for.

    The resize is one before the tower, or one of its features where the tower takes the stock image only. Everything
    has run once before times are taken, but the full prompt.

    Args:
        model: A model of transformers that takes encoded features.
        processor: Its processor.
        image: A path, a PIL image or an array.
        question: The question.
        method: A method of any site.
        budget: Visual tokens, or a ratio of all; a resize may use fewer.
        gate: Entropy in nats: where the answer from the resize is surer than that, it is the answer, and the method
            does not look. Where it is not, the times of "look" include the resize's first token. None: always look.
        full: Whether to ask with all visual tokens too.
        options: `at_most`, `finest` and `max_new_tokens`, as `answer`.

    Raises:
        ImportError, TypeError, ValueError: as `answer`.
    """

    def ask(chosen: Any = None, **more: Any) -> Answer:
        tokens = None if chosen is None else budget
        return answer(model, processor, image, question, method=chosen, budget=tokens, **{**options, **more})

    by_resize(lambda resize: ask(resize, max_new_tokens=1))
    small = by_resize(ask)
    if gate is not None and small.entropy < gate:
        own = small
    else:
        ask(method, max_new_tokens=1)
        own = ask(method)
        if gate is not None:
            own = replace(own, first=own.first + small.first, looks=own.looks + small.first, all=own.all + small.first)
    return {LOOK: own, RESIZE: small, **({FULL: ask()} if full else {})}
