"""What a method of the layers site is, what it is given, and how many tokens its schedule leaves in each layer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from ..._check import shorten, whole_number
from .attention import AttentionHeads
from .site import Site

AHEAD, BEHIND, NOTHING = "ahead", "behind", "nothing"
"""Whose attention a method scores by: the layer that runs next, the one that has run, none."""


Part = int | float | Fraction
"""What a stage leaves: a number of tokens, or (not an int) a share of all in (0, 1]."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One prompt between two layers, where visual tokens leave. All tokens that are still there, without padding.

    Attributes:
        layer: How many layers have run.
        visual: Where the n visual tokens in question stand among the s tokens, int64 (n,), rising.
        text: Where those stand that belong to no image, int64, rising.
        hidden: Hidden states (s, d) before the next layer.
        embedded: The same tokens (s, d) before the first layer.
        heads: Queries and keys of the layer that `Dropper.looks` names; None for a method that looks at nothing.
    """

    layer: int
    visual: Tensor
    text: Tensor
    hidden: Tensor
    embedded: Tensor
    heads: AttentionHeads | None = None

    @property
    def last(self) -> Tensor:
        """Where the last token of the prompt stands, int64 (1,)."""
        return torch.tensor([len(self.hidden) - 1], device=self.hidden.device)

    def attention(self, rows: Tensor) -> Tensor:
        """Returns what the tokens `rows` attend to of the visual ones, mean over heads, float32 (rows, n)."""
        if self.heads is None:
            raise ValueError("attention needs queries and keys, got none; set `looks` of the dropper")
        return self.heads.attention(rows)[:, self.visual]


@dataclass(frozen=True, eq=False)
class Kept:
    """What is left of a stage's visual tokens.

    Attributes:
        kept: Which of the n, int64 (count,), rising.
        hidden: Their hidden states (count, d) where the method changes them (merging), else None.
    """

    kept: Tensor
    hidden: Tensor | None = None


class Dropper(Protocol):
    """A method that lets visual tokens go between layers of the language model.

    Methods are frozen dataclasses: their fields are their options, and their `repr` is what rebuilds them.

    Attributes:
        site: "layers".
        looks: "ahead", "behind" or "nothing": whose attention `keep` is given.
    """

    site: ClassVar[Site]
    looks: ClassVar[str]

    def schedule(self, tokens: int, layers: int, budget: int | None = None) -> list[int]:
        """Returns the visual tokens in each layer, never rising.

        Args:
            tokens: In full, >= 0.
            layers: Of the language model, >= 1.
            budget: Mean number over the layers, met up to less than one and never exceeded; None for the method's own.

        Raises:
            ValueError: a budget that the stages cannot reach; the message names the range.
        """
        ...

    def keep(self, stage: Stage, count: int) -> Kept:
        """Returns exactly `count` tokens, from 1 to n."""
        ...


def shares_of(stages: object, name: str) -> tuple[tuple[int, int | float], ...]:
    """Returns {layer: share or count} as pairs in the order of the layers.

    Raises:
        TypeError, ValueError: no such mapping, a share outside (0, 1], or a count below 1.
    """
    if not isinstance(stages, Mapping | Sequence) or isinstance(stages, str):
        raise TypeError(f"{name} must be {{layer: share or count}}, got {shorten(stages)}")
    try:
        pairs = sorted(dict(stages).items())
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be {{layer: share or count}}, got {shorten(stages)}") from None
    for layer, left in pairs:
        whole_number(layer, f"a layer of {name}", 1)
        if isinstance(left, float):
            share(left, f"a share of {name}")
        else:
            whole_number(left, f"a count of {name}", 1)
    return tuple(pairs)


def share(value: object, name: str) -> float:
    """Returns `value` if it is a number in (0, 1].

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"{name} must be a number above 0 and at most 1, got {shorten(value)}")
    return float(value)


def exact(value: float | Fraction) -> Fraction:
    """Returns a share as it is written: 0.7 is seven tenths, not the binary number below it."""
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))


def scheduled(tokens: int, layers: int, stages: Sequence[tuple[int, Part]], budget: int | None = None) -> list[int]:
    """Returns the tokens in each layer, where `stages` names what is left after so many layers.

    Without a budget a share s leaves floor(s * tokens), a count itself; at least 1 and at most what was there before.
    With a budget the shares (counts: over `tokens`) are raised to one common power p, solved such that the mean over
    the layers is the budget; counts are rounded down, and what is left over raises stages by 1, largest remainder
    first, as long as the mean stays at most the budget and no stage has more than the one before.

    Args:
        tokens: In full.
        layers: Of the language model.
        stages: Pairs (layers run, share in (0, 1] or count), the layers rising.
        budget: As `Dropper.schedule`.

    Raises:
        ValueError: a stage after the last layer, or a budget out of reach.

    Example:
        >>> scheduled(100, 4, [(1, 0.5), (3, 10)])
        [100, 50, 50, 10]
        >>> scheduled(100, 4, [(1, 0.5), (3, 10)], budget=60)
        [100, 60, 60, 19]
    """
    whole_number(tokens, "tokens", 0)
    whole_number(layers, "layers", 1)
    ends = [*(after for after, _ in stages[1:]), layers][: len(stages)]
    for after, _ in stages:
        whole_number(after, "the layer of a stage", 1, layers - 1, hint=f"the language model has {layers} layers")
    if not tokens:
        return [0] * layers
    shares = [Fraction(min(left, tokens), tokens) if isinstance(left, int) else exact(left) for _, left in stages]
    first = stages[0][0] if stages else layers
    widths = [end - after for (after, _), end in zip(stages, ends, strict=True)]
    if budget is None:
        counts = _falling([max(math.floor(part * tokens), 1) for part in shares], tokens)
    else:
        counts = _solved(tokens, layers, first, widths, [float(part) for part in shares], budget)
    out = [tokens] * first
    for count, width in zip(counts, widths, strict=True):
        out += [count] * width
    return out


def _falling(counts: Sequence[int], most: int) -> list[int]:
    out = []
    for count in counts:
        most = min(count, most)
        out.append(most)
    return out


def _solved(
    tokens: int, layers: int, first: int, widths: Sequence[int], shares: Sequence[float], budget: int
) -> list[int]:
    """The counts of each stage, whose sum over the layers is above layers * (budget - 1) and at most that * budget."""
    fixed = first * tokens

    def ideal(power: float) -> list[float]:
        found, most = [], float(tokens)
        for part in shares:
            most = min(most, max(tokens * part**power, 1.0))
            found.append(most)
        return found

    def total(counts: Sequence[float]) -> float:
        return fixed + sum(count * width for count, width in zip(counts, widths, strict=True))

    least = math.ceil(round(total(ideal(math.inf)), 6) / layers)
    hint = f"{first} of {layers} layers have all {tokens} visual tokens"
    target = whole_number(budget, "budget (mean over the layers)", least, tokens, hint=hint) * layers
    low, high = 0.0, 1.0  # powers: at `low` the sum is too large or fits, at `high` it fits
    while total(ideal(high)) > target:
        low, high = high, high * 2
    if total(ideal(low)) <= target:
        high = low
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if total(ideal(middle)) > target else (low, middle)
    wanted = ideal(high)
    counts = [math.floor(count) for count in wanted]
    left = target - round(total(counts))
    for place in sorted(range(len(counts)), key=lambda i: counts[i] - wanted[i]):
        above = tokens if place == 0 else counts[place - 1]
        if widths[place] <= left and counts[place] < above:
            counts[place] += 1
            left -= widths[place]
    return counts
