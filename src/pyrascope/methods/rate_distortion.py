"""The default method: the partition whose tokens together show the image best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from .._check import one_of, shorten
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan
from ..allocation.tree.distortion import BoxSums, direct_distortion, recursive_distortion
from ..allocation.tree.partition import plan_partitions
from ..allocation.tree.tree import ASPECTS
from ..signal.ripmap import LevelPair


@dataclass(frozen=True)
class RateDistortion:
    """Dyadic boxes, split along y or x where a split removes the most (weighted) squared error per token.

    The plan partitions the image; every budget from 1 to the full grid is met exactly. A token's score is the
    distortion that the split which made it removed, in squared value times pixels.

    Attributes:
        aspect: Greatest ratio of a box's sides, 1, 2 or 4. With 1 boxes are square; one or two tokens that square
            splits cannot spend go into binary ones.
        gain: How the distortion of a box is found: "recursive" (from halving to halving) or "direct" (each level is
            interpolated to full size and compared with the image; slow, the oracle of the other).

    Source: rate-distortion pruned trees (see `allocation.solver`), here with splits per axis and the resampler's own
    distortion.
    """

    site: ClassVar[Site] = PIXELS
    aspect: Literal[1, 2, 4] = 4
    gain: Literal["recursive", "direct"] = "recursive"

    def __post_init__(self) -> None:
        if type(self.aspect) is not int or self.aspect not in ASPECTS:
            raise ValueError(f"aspect must be 1, 2 or 4, got {shorten(self.aspect)}")
        one_of(self.gain, "gain", ("recursive", "direct"))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image under one budget: each image gets the tokens that it gains most from."""
        return plan_partitions(scenes, budget, cell, self.aspect, repr(self), self.judge)

    def judge(self, scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
        """Returns the distortion of the boxes of each level."""
        measure = recursive_distortion if self.gain == "recursive" else direct_distortion
        return measure(scene.image, cell, levels, scene.weight)
