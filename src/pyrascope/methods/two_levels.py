"""Squares of two sizes: what a frozen encoder tolerates best where nothing says where to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan
from ..allocation.tree.distortion import BoxSums, recursive_distortion
from ..allocation.tree.partition import plan_partitions
from ..signal.ripmap import LevelPair


@dataclass(frozen=True)
class TwoLevels:
    """The finest whole grid of squares that fits the budget, and squares half as large where they show more.

    Squares of the grid are split in four where that removes the most (weighted) squared error, until the budget is
    spent; one or two tokens that such splits cannot spend go into halves, as with `RateDistortion(aspect=1)`. The plan
    partitions the image; every budget from 1 to the full grid is met exactly. Several images share a budget: the one
    with the largest grid gets a coarser one until all grids fit, and then splits go where they gain most. A token's
    score is the distortion that the split which made it removed, in squared value times pixels.

    Made for encoders that were not trained on mixed sizes: on a frozen one, boxes coarser than that grid, and native
    cells in it with no size between, both lost features (docs/experiments.md, "what a frozen encoder tolerates"). Where
    a weight says what matters, `AdaptiveDepth(RateDistortion(aspect=1), thresholds=(), depths=(1,))`, from that grid
    to native cells, kept more of it.

    Source: measured here; the splits are those of `RateDistortion`.
    """

    site: ClassVar[Site] = PIXELS

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image under one budget."""
        depths = [1] * len(scenes)
        return plan_partitions(scenes, budget, cell, 1, repr(self), self.judge, depths, octaves=1)

    def judge(self, scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
        """Returns the distortion of the boxes of each level, and of the finer ones that they are found from."""
        sides = range(max(map(max, levels)) + 1)
        chain = [(ly, lx) for ly in sides for lx in sides if abs(ly - lx) <= 1]
        return recursive_distortion(scene.image, cell, sorted(chain, key=sum), scene.weight)
