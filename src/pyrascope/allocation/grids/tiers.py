"""Tiers: how hard an image is decides the depth of its pyramid, its tokens, and how the levels share them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..._check import shorten
from ..budgets.budget import allocate, check_budget
from ..contracts.allocator import Scene
from ..plan import Plan, grid_of
from .levels import LevelScores, best_of_each, level_counts, level_grids, plan_of_levels

TierJudge = Callable[[Scene, int, int], LevelScores]
"""(scene, cell, levels) -> scores of the cells of each level."""


TERCILES = (0.42, 0.46)
"""Of `Glance()`, rounded: a third of 111 photographs and scanned receipts lies below, between and above."""


@dataclass(frozen=True)
class Tier:
    """What images of one class get.

    Attributes:
        tokens: How many, where no budget is given.
        shares: How the levels of the pyramid share them, fine to coarse.
    """

    tokens: int
    shares: tuple[float, ...]


def check_difficulty(difficulty: object) -> None:
    """Raises TypeError unless `difficulty` can judge scenes."""
    if isinstance(difficulty, type) or not callable(difficulty):
        raise TypeError(f"difficulty must be a measure of it, made, such as Complexity(), got {shorten(difficulty)}")


def ascending(values: object, name: str, count: int) -> tuple[float, ...]:
    """Returns thresholds as a tuple if there are `count` of them, finite, none below 0, each above the one before.

    Raises:
        ValueError: they are not.
    """
    numbers = tuple(values) if isinstance(values, list | tuple) else ()
    if len(numbers) != count or not all(map(not_negative, numbers)) or any(a >= b for a, b in pairwise(numbers)):
        raise ValueError(f"{name} must be {count} finite numbers, none below 0, ascending, got {shorten(values)}")
    return tuple(map(float, numbers))


def not_negative(number: object) -> bool:
    """Returns whether `number` is a finite number, not below 0 (booleans are none)."""
    return isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < math.inf


def tier_of(difficulty: float, thresholds: Sequence[float]) -> int:
    """Returns how many of the ascending thresholds `difficulty` has reached.

    Example:
        >>> [tier_of(difficulty, (0.4, 0.7)) for difficulty in (0.39, 0.4, 1.0)]
        [0, 1, 2]
    """
    return sum(difficulty >= threshold for threshold in thresholds)


def plan_tiers(
    scenes: Sequence[Scene], tiers: Sequence[Tier], budget: int | None, cell: int, method: str, judge: TierJudge
) -> list[Plan]:
    """Returns one plan a scene: the levels of its tier share its tokens, which go to the cells with the best scores.

    Args:
        scenes: The images.
        tiers: The tier of each.
        budget: Tokens in all, which the scenes share in proportion to the tokens of their tiers, none above its full
            grid; None: each gets the tokens of its tier, or its full grid where that is less.
        cell: Side of a patch.
        method: Named in the plans.
        judge: Scores the cells of the levels of a scene.
    """
    grids = [grid_of(scene.size, cell) for scene in scenes]
    cells = np.array([rows * columns for rows, columns in grids])
    wanted = np.array([tier.tokens for tier in tiers])
    if budget is None:
        counts = np.minimum(wanted, cells)
    else:
        total = check_budget(budget, [scene.size for scene in scenes], cell, method)
        counts = allocate(wanted, total, maximum=cells)
    return [
        _plan(scene, tier, int(count), cell, method, judge)
        for scene, tier, count in zip(scenes, tiers, counts, strict=True)
    ]


def _plan(scene: Scene, tier: Tier, tokens: int, cell: int, method: str, judge: TierJudge) -> Plan:
    grids = level_grids(scene.size, cell, len(tier.shares))
    scores = judge(scene, cell, len(grids))
    chosen = best_of_each(scores, level_counts(tier.shares, grids, tokens))
    return plan_of_levels(scores, chosen, scene.size, cell, method)
