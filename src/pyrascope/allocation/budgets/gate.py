"""How unsure the answer from a coarse view is decides how many tokens an image gets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..._check import shorten, whole_number
from ..ties import ROUNDED, order_of, settled

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class EntropyGate:
    """Chooses a tier for one image at a time: as many steps up as thresholds that its entropy reaches.

    Attributes:
        tiers: Budgets to choose from, rising, each at least 1.
        thresholds: Entropies (in nats) from which on the next tier is given, one fewer than tiers, not falling.

    Raises:
        TypeError, ValueError: fields that do not fit.

    Example:
        >>> gate = EntropyGate((64, 128, 256), (0.5, 1.0))
        >>> [gate(entropy) for entropy in (0.1, 0.5, 3.0)]
        [64, 128, 256]
    """

    tiers: tuple[int, ...]
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        tiers, count = checked_tiers(self.tiers), len(self.tiers) - 1
        found = np.asarray(self.thresholds, dtype=np.float64)
        if found.shape != (count,) or not bool((found >= 0).all()) or any(a > b for a, b in pairwise(found.tolist())):
            raise ValueError(
                f"thresholds must be {count} numbers for {count + 1} tiers, not negative and not falling, "
                f"got {shorten(self.thresholds)}"
            )
        object.__setattr__(self, "tiers", tiers)  # the dataclass is frozen; this is its constructor
        object.__setattr__(self, "thresholds", tuple(map(float, found)))

    def __call__(self, entropy: float) -> int:
        """Returns the budget of an image whose coarse answer has this entropy."""
        return self.tiers[sum(float(_entropies([entropy])[0]) >= threshold for threshold in self.thresholds)]

    @classmethod
    def calibrated(cls, entropies: ArrayLike, tiers: Sequence[int], mean_budget: float) -> "EntropyGate":
        """Returns the gate that spends at most `mean_budget` a image on the set, with the lowest such thresholds.

        Budgets are in proportion to the entropy, rounded down to a tier: the threshold of each tier is the tier divided
        by one factor. What is left unspent on the set is less than one step of the image next in turn (of all of them
        where several are equally unsure).

        Args:
            entropies: Those of the coarse answers of a set like the one to come, (n,).
            tiers: As the attribute.
            mean_budget: Tokens an image, from the first to the last tier.

        Example:
            >>> np.round(EntropyGate.calibrated([0.1, 0.2, 0.4, 1.6], (8, 16, 32), 16).thresholds, 3)
            array([0.267, 0.533])
        """
        found, steps = _entropies(entropies), checked_tiers(tiers)
        if not isinstance(mean_budget, int | float) or not steps[0] <= mean_budget <= steps[-1]:
            raise ValueError(f"mean_budget must be from {steps[0]} to {steps[-1]}, got {shorten(mean_budget)}")
        image, tier, due = _in_turn(found, steps)
        spent = np.concatenate([[0], np.diff(steps)[tier - 1].cumsum()])
        whole = int((spent <= round(len(found) * (mean_budget - steps[0]), 6)).sum()) - 1
        while 0 < whole < len(due) and due[whole - 1] == due[whole]:
            whole -= 1  # those equally unsure go together, or a threshold could not part them
        before, after = due[whole - 1] if whole else 0.0, due[whole] if whole < len(due) else math.inf
        factor = (before + after) / 2 if math.isfinite(after) else 2 * before
        thresholds = []
        for number, tokens in enumerate(steps[1:], 1):
            mine = tier == number
            reach, fail = found[image[:whole][mine[:whole]]], found[image[whole:][mine[whole:]]]
            low = np.nextafter(fail.max(), np.inf) if len(fail) else 0.0
            high = reach.min() if len(reach) else np.inf
            thresholds.append(float(min(max(tokens / factor if factor else np.inf, low), high)))
        return cls(steps, tuple(thresholds))


def budgets_by_entropy(entropies: ArrayLike, tiers: Sequence[int], total: int) -> NDArray[np.int64]:
    """Shares `total` tokens among images by how unsure their coarse answers are, exactly.

    Every image gets one of the tiers but at most one image, which gets what is left over, between two tiers. Budgets
    are in proportion to the entropy, rounded down to a tier: whoever has the fewest tokens for its entropy is next to
    step up, as far as the total reaches.

    Guarantees: the sum is exactly `total`; no image gets fewer than one that is less unsure; the order of the images
    does not matter, but that of two equally unsure ones (a share of 1e-6 apart or less) the first is served first.

    Args:
        entropies: First-token entropies of the coarse answers, in any unit, (n,).
        tiers: Budgets, rising, each at least 1, as (B, 2 B, 4 B).
        total: Tokens in all, from n times the first tier to n times the last.

    Returns:
        int64 (n,).

    Raises:
        ValueError: a total out of range (the message names it), entropies that are negative or not finite, or tiers
            that do not rise.
        TypeError: a total or tiers that are not whole numbers.

    Example:
        >>> budgets_by_entropy([0.1, 0.2, 0.5, 1.6], (8, 16, 32), 70)
        array([ 8,  8, 22, 32])

    Source: that the first token's entropy of the answer tells whether compression breaks it is a finding of the
    literature on foveated compression (area under the curve 0.77 to 0.81); sharing by it is from here.
    """
    found, steps = _entropies(entropies), checked_tiers(tiers)
    low, high = len(found) * steps[0], len(found) * steps[-1]
    left = whole_number(total, "total", low, high, hint=f"{len(found)} images of {steps[0]} to {steps[-1]} tokens")
    left -= low
    image, tier, _ = _in_turn(found, steps)
    cost = np.diff(steps)[tier - 1]
    taken = np.clip(left - (cost.cumsum() - cost), 0, cost)
    out = np.full(len(found), steps[0], dtype=np.int64)
    np.add.at(out, image, taken)
    return out


def checked_tiers(tiers: Sequence[int]) -> tuple[int, ...]:
    """Returns the tiers as ints if they rise from 1 or more."""
    if not isinstance(tiers, list | tuple) or not tiers:
        raise TypeError(f"tiers must be a sequence of budgets such as (64, 128, 256), got {shorten(tiers)}")
    found = tuple(whole_number(tier, "tiers", 1) for tier in tiers)
    if any(a >= b for a, b in pairwise(found)):
        raise ValueError(f"tiers must rise, got {shorten(tiers)}; sort them and leave out what is double")
    return found


def _entropies(values: ArrayLike) -> Numbers:
    found = np.asarray(values)
    if found.dtype.kind not in "iuf" or found.ndim != 1 or not len(found):
        raise ValueError(f"entropies must be numbers of shape (n,), at least one, got {shorten(values)}")
    found = found.astype(np.float64)
    if not bool((np.isfinite(found) & (found >= 0)).all()):
        raise ValueError(f"entropies must be finite and not negative, got {shorten(values)}")
    return found


def _in_turn(entropies: Numbers, tiers: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.intp], Numbers]:
    """All steps up in the order in which they are taken: image and tier (from 1) of each, and when it is due."""
    tier = np.repeat(np.arange(1, len(tiers)), len(entropies))
    image = np.tile(np.arange(len(entropies)), len(tiers) - 1)
    with np.errstate(divide="ignore", over="ignore"):
        due = settled(torch.from_numpy(np.asarray(tiers)[tier] / entropies[image]), ROUNDED).numpy()
    order = np.lexsort((image, order_of(-entropies[image], ROUNDED), tier, due))
    return image[order], tier[order], due[order]
