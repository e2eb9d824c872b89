"""How long a model takes to answer: one example at a time, methods in turns, and medians."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from ...models.ask.answer import Answer, answer
from .contenders import BLIND, FULL_ROW, Contender
from .examples import Example

Facts = dict[str, Any]


def times(
    model: Any,
    processor: Any,
    examples: Sequence[Example],
    contenders: Sequence[Contender],
    budgets: Sequence[int],
    *,
    max_new_tokens: int = 4,
    each: Callable[[], object] = lambda: None,
) -> list[Facts]:
    """Returns for each method and budget the median times to answer, in seconds, from the picture in memory on.

    Every example is asked in all ways before the next one, so that a machine that slows down slows all of them. One
    more example goes first, whose times do not count. Contenders that are told the evidence, and the one without a
    picture, are left out: there is no such way to ask; so are those that refuse.

    Args:
        model: As `answer`; likewise the processor.
        processor: Likewise.
        examples: At least one.
        contenders: In which ways; the full grid among them.
        budgets: For those that have a budget.
        max_new_tokens: Most tokens of an answer.
        each: Called after each answer, as for a progress bar.

    Returns:
        Wall times `first_token`, `planning`, `looks` (of these) and `all`; process time `cpu` of the whole answer; and
        `faster`, the median over the examples of the full grid's process time divided by this one's.
    """
    ways = [
        (contender, budget)
        for contender in contenders
        if contender.name != BLIND and not contender.told
        for budget in ([None] if contender.method is None else budgets)
    ]
    taken: dict[tuple[str, int | None], list[tuple[Answer, float]]] = {}
    refused: set[tuple[str, int | None]] = set()
    for turn, example in enumerate([examples[0], *examples]):
        picture = example.picture()
        for contender, budget in ways:
            way = contender.name, budget
            if way not in refused:
                start = time.process_time()
                try:
                    found = answer(
                        model, processor, picture, example.question, method=contender.method, budget=budget,
                        max_new_tokens=max_new_tokens,
                    )  # fmt: skip
                except (ValueError, TypeError, NotImplementedError):
                    refused.add(way)
                    continue
                if turn:
                    taken.setdefault(way, []).append((found, time.process_time() - start))
            each()
    whole = [cpu for _, cpu in taken.get((FULL_ROW, None), [])]
    return [
        {
            "method": name,
            "budget": budget,
            "examples": len(mine),
            "first_token": median(one.first for one, _ in mine),
            "planning": median(one.planning for one, _ in mine),
            "looks": median(one.looks for one, _ in mine),
            "all": median(one.all for one, _ in mine),
            "cpu": median(cpu for _, cpu in mine),
            "faster": median(a / b for a, (_, b) in zip(whole, mine, strict=True)) if whole else None,
        }
        for (name, budget), mine in taken.items()
    ]
