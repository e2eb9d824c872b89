"""Three classes of images, each with its own pyramid and its own counts for the levels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .._check import shorten, whole_number
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.difficulty.difficulty import Difficulty
from ..allocation.difficulty.glance import Glance
from ..allocation.grids.levels import content_levels
from ..allocation.grids.tiers import TERCILES, Tier, ascending, check_difficulty, plan_tiers, tier_of
from ..allocation.plan import Plan

Budgets = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class DifficultyTiers:
    """Easy, medium and hard images get 150, 273 and 450 tokens of 3, 4 and 5 levels, in fixed numbers a level.

    With a budget, the numbers are its proportions, and several images share it in proportion to the tokens of their
    classes. Within a level the tokens are those that add the most to the next coarser one. Boxes of several levels
    may lie over one another, and places may be left out. What a level cannot hold goes to the next finer one. Scores
    are the energy added.

    Attributes:
        difficulty: Judges the image, 0 to 1. The default looks at 128 px, which takes less than 5 ms on one core.
        thresholds: The least difficulty of each class but the first, ascending; the default makes three classes of
            photographs that are about equally large.
        budgets: For each class the tokens of its levels, fine to coarse.

    Source: what is at times described as FastVLM: a class for the image, 150 = 60 + 50 + 40, 273 = 80 + 70 + 68 + 55
    and 450 = 100 + 100 + 100 + 90 + 60 tokens, coarse to fine. The publication of that name (CVPR 2025, arXiv
    2412.13303) is a vision encoder that emits few tokens and selects none; this is not it.
    """

    site: ClassVar[Site] = PIXELS
    difficulty: Difficulty = field(default=Glance())
    thresholds: tuple[float, ...] = TERCILES
    budgets: Budgets = ((40, 50, 60), (55, 68, 70, 80), (60, 90, 100, 100, 100))

    def __post_init__(self) -> None:
        check_difficulty(self.difficulty)
        object.__setattr__(self, "budgets", _budgets(self.budgets))
        object.__setattr__(self, "thresholds", ascending(self.thresholds, "thresholds", len(self.budgets) - 1))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; without a budget each has the tokens of its class."""
        tiers = [Tier(sum(counts), counts) for counts in self.budgets]
        chosen = [tiers[tier_of(self.difficulty(scene), self.thresholds)] for scene in scenes]
        return plan_tiers(scenes, chosen, budget, cell, repr(self), content_levels)


def _budgets(values: object) -> Budgets:
    """Returns token counts by class and level as tuples, or raises in one sentence."""
    expected = "budgets must be for each class the tokens of its levels, such as ((40, 50, 60), (80, 90, 100, 120))"
    classes = list(values) if isinstance(values, list | tuple) else []
    if not classes or not all(isinstance(counts, list | tuple) and counts for counts in classes):
        raise ValueError(f"{expected}, got {shorten(values)}")
    found = tuple(tuple(whole_number(count, "a count in budgets", 0) for count in counts) for counts in classes)
    if not all(any(counts) for counts in found):
        raise ValueError(f"{expected}, not all 0, got {shorten(values)}")
    return found
