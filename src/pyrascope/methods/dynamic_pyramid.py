"""A deeper pyramid, and more of its fine tokens, where image and question are hard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.difficulty.difficulty import Difficulty
from ..allocation.difficulty.glance import Glance
from ..allocation.grids.levels import relevance_levels
from ..allocation.grids.tiers import Tier, ascending, check_difficulty, plan_tiers, tier_of
from ..allocation.plan import Plan

EASY = Tier(150, (0.2, 0.3, 0.5))
MEDIUM = Tier(273, (0.25, 0.25, 0.25, 0.25))
HARD = Tier(450, (0.4, 0.3, 0.2, 0.07, 0.03))


@dataclass(frozen=True)
class DynamicPyramid:
    """Easy images get three levels, mostly coarse tokens; hard ones five, mostly fine tokens.

    Difficulty below 0.4: 3 levels and 150 tokens; below 0.7: 4 and 273; else 5 and 450. With a budget, the class of
    the image decides how the levels share it, and for several images how these share it. Within a level the tokens
    are those with the most relevance: to the question where the context has an attention map, or a query and
    features, else those that add the most to the next coarser level. Boxes of several levels may lie over one
    another, and places may be left out. What a level cannot hold goes to the next finer one. Scores are relevance.

    Attributes:
        difficulty: Judges image and question, 0 to 1.
        thresholds: The least difficulty of medium and of hard.

    Source: what is at times described as DPN-LLaVA, with a classifier on a 128 px view. The publication ("Dynamic
    Pyramid Network", arXiv 2503.20322) pools tokens between the layers of a language model, by a trained router; this
    is not it. Level weights follow their stated purpose: easy coarse-heavy, medium balanced over its four levels (the
    description lists three weights), hard fine-heavy.
    """

    site: ClassVar[Site] = PIXELS
    difficulty: Difficulty = field(default=Glance())
    thresholds: tuple[float, float] = (0.4, 0.7)

    def __post_init__(self) -> None:
        check_difficulty(self.difficulty)
        object.__setattr__(self, "thresholds", ascending(self.thresholds, "thresholds", 2))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; without a budget each has the tokens of its class."""
        tiers = [(EASY, MEDIUM, HARD)[tier_of(self.difficulty(scene), self.thresholds)] for scene in scenes]
        return plan_tiers(scenes, tiers, budget, cell, repr(self), relevance_levels)
