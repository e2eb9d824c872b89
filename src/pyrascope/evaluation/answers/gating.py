"""The entropy gate on answers that are there: the resize's where its first token is sure, the look's where not."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...allocation.ties import FINE, first_largest
from .answering import Record

GATE = "gate"


@dataclass(frozen=True)
class Gated:
    """Answers behind a gate.

    Attributes:
        records: One an example, each by the threshold that the other half chose. Where the gate looked, the tokens are
            those of the resize and of the look together.
        thresholds: In nats, infinite where it never pays to look: the first was chosen on the examples of even rank in
            their families, the second on those of odd rank.
        looked: Share of the examples at which the gate looked.
    """

    records: tuple[Record, ...]
    thresholds: tuple[float, float]
    looked: float


def gated(small: Mapping[int, Record], look: Mapping[int, Record]) -> Gated:
    """Returns the answers of a gate between two methods, with thresholds that no example has chosen for itself.

    The examples that both have answered are parted in two by turns within each family. On each half the threshold that
    gives the most right answers is chosen, of equals the one that looks least, and applied to the other half.

    Args:
        small: Answers of the resize, by example.
        look: Those of the look.
    """
    both = sorted(small.keys() & look.keys(), key=lambda number: (small[number].family, number))
    half = _halves([small[number].family for number in both])
    entropy, sure, seen = (
        np.array([get(number) for number in both], np.float64)
        for get in (lambda i: small[i].entropy, lambda i: small[i].right, lambda i: look[i].right)
    )
    chosen = [threshold(entropy[half == k], sure[half == k], seen[half == k]) for k in (0, 1)]
    records = []
    for number, own in zip(both, half.tolist(), strict=True):
        a, b = small[number], look[number]
        looks = a.entropy >= chosen[1 - own]
        one = replace(b, tokens=a.tokens + b.tokens, seconds=a.seconds + b.seconds, ninths=None) if looks else a
        records.append(replace(one, method=GATE, budget=b.budget, entropy=a.entropy))
    looked = np.mean([one.tokens > small[one.example].tokens for one in records]) if records else 0.0
    return Gated(tuple(sorted(records, key=lambda one: one.example)), (chosen[0], chosen[1]), float(looked))


def threshold(entropy: NDArray[np.float64], small: NDArray[np.float64], look: NDArray[np.float64]) -> float:
    """Returns the entropy from which on to look, for the most right answers; of equals the one that looks least.

    Args:
        entropy: Of the small view's answers (n,).
        small: Whether those are right (n,), 0 or 1.
        look: Whether the look's are.

    >>> threshold(np.array([0.1, 0.5, 0.9]), np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]))
    0.9
    """
    order = np.argsort(-entropy, kind="stable")
    least_sure = entropy[order]
    gain = np.concatenate([[0.0], np.cumsum((look - small)[order])])  # of looking at the k least sure ones
    apart = np.concatenate([[True], least_sure[1:] < least_sure[:-1], [True]])[: len(gain)]  # equals go together
    count = first_largest(np.where(apart, gain, -np.inf), FINE, size=len(gain))
    return float(least_sure[count - 1]) if count else math.inf


def _halves(families: Sequence[str]) -> NDArray[np.int64]:
    """By turns 0 and 1 within each family."""
    seen: dict[str, int] = {}
    found = []
    for family in families:
        found.append(seen.get(family, 0) % 2)
        seen[family] = seen.get(family, 0) + 1
    return np.array(found, np.int64)
