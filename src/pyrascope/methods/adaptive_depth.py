"""A deeper pyramid for a busier image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .._check import shorten, whole_number
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.difficulty.difficulty import Difficulty
from ..allocation.difficulty.glance import Glance
from ..allocation.grids.tiers import TERCILES, ascending, check_difficulty, tier_of
from ..allocation.plan import Plan
from ..allocation.tree.partition import Partition, plan_partitions
from .rate_distortion import RateDistortion


@dataclass(frozen=True)
class AdaptiveDepth:
    """A partition whose boxes have three levels in simple images and five in complex ones; more where B needs it.

    With depth d no box is larger than cell * 2**(d - 1) source pixels, so a simple image is shown in boxes of similar
    sizes, while a complex one may be coarse in its calm places for being fine in its busy ones. Where the budget has
    not enough tokens to cover the image so, the depth grows until it has. The plan partitions the image; every budget
    from 1 to the full grid is met exactly. Scores are those of the method.

    Attributes:
        method: The partition whose depth is limited: one with `aspect` and `judge`, such as `RateDistortion`.
        difficulty: Says how complex the image is, 0 to 1.
        thresholds: The least difficulty of each depth but the first, ascending; the default gives each depth about a
            third of photographs.
        depths: Numbers of levels, from the simplest class of images to the most complex one.

    Source: "adaptive pyramid depth", an open direction of the field: 3 levels for simple, 5 for complex images.
    """

    site: ClassVar[Site] = PIXELS
    method: Partition = field(default=RateDistortion())
    difficulty: Difficulty = field(default=Glance())
    thresholds: tuple[float, ...] = TERCILES
    depths: tuple[int, ...] = (3, 4, 5)

    def __post_init__(self) -> None:
        check_difficulty(self.difficulty)
        if not (hasattr(self.method, "aspect") and callable(getattr(self.method, "judge", None))):
            raise TypeError(f"method must be a partition such as RateDistortion(), got {shorten(self.method)}")
        depths = tuple(self.depths) if isinstance(self.depths, list | tuple) else ()
        if not depths:
            raise ValueError(f"depths must be numbers of levels such as (3, 4, 5), got {shorten(self.depths)}")
        object.__setattr__(self, "depths", tuple(whole_number(depth, "a depth in depths", 1) for depth in depths))
        object.__setattr__(self, "thresholds", ascending(self.thresholds, "thresholds", len(depths) - 1))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image, each of its own depth, under one budget."""
        depths = [self.depths[tier_of(self.difficulty(scene), self.thresholds)] for scene in scenes]
        return plan_partitions(scenes, budget, cell, self.method.aspect, repr(self), self.method.judge, depths)
