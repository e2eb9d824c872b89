"""Answers that need no model: the most common one of a family."""

from collections import Counter
from collections.abc import Sequence

from .answering import Asked, Record

MAJORITY = "majority"


def majority(asked: Sequence[Asked]) -> list[Record]:
    """Returns the most common answer that the other examples of the family have, to each; of equals the first by name.

    A family of one example has no answer.
    """
    counts: dict[str, Counter[str]] = {}
    for one in asked:
        counts.setdefault(one.family, Counter())[one.answers[0]] += 1
    found = []
    for one in asked:
        others = counts[one.family] - Counter([one.answers[0]])
        said = min(others, key=lambda answer: (-others[answer], answer)) if others else ""
        found.append(Record(one.example, one.family, MAJORITY, None, 0.0, said, said in one.answers, 0.0, 0.0))
    return found
