"""Boxes of equal area, whatever the picture shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..allocation.contracts.allocator import Scene, refuse_weights
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan
from ..allocation.tree.distortion import BoxSums
from ..allocation.tree.partition import plan_partitions
from ..signal.ripmap import LevelPair


@dataclass(frozen=True)
class Uniform:
    """Dyadic boxes as equal in area as the budget allows: the largest is always split next, along its longer side.

    The plan partitions the image; every budget from 1 to the full grid is met exactly, and the full grid is the
    image's own cells. Area counts within the image. A token's score is the sum of squared areas that its split
    removed.
    """

    site: ClassVar[Site] = PIXELS

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; the boxes of all images are as equal in area as the budget allows."""
        refuse_weights(scenes, "Uniform")
        return plan_partitions(scenes, budget, cell, 2, repr(self), _squared_areas)


def _squared_areas(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
    """Squared area within the image of each box of each level."""

    def lengths(pixels: int, side: int) -> np.ndarray:
        return np.diff(np.minimum(np.arange(-(-pixels // side) + 1) * float(side), pixels))

    height, width = scene.size
    return {
        (ly, lx): np.multiply.outer(lengths(height, cell * 2**ly), lengths(width, cell * 2**lx)) ** 2
        for ly, lx in levels
    }
