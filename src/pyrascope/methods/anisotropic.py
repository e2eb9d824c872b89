"""Token shapes that follow the orientation of structure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .._check import shorten
from ..allocation.allocator import Scene
from ..allocation.importance.orientation import anisotropy, dominant_angle, orientation_energy
from ..allocation.plan import Plan, grid_of
from ..allocation.region_plans import Floats, check_region, plan_regions, region_sums
from .multi_scale import relevance

ORIENTATIONS = 8
EXP = 1.0
LEVELS=3

@dataclass(frozen=True)
class Anisotropic:
    boost: float = 0.2
    skew: float = 4.0
    region: int | None = None
    minimum: int | None = None
    maximum: int | None = None

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene; regions of all scenes share the budget."""
        bounds = self.region, self.minimum, self.maximum
        return plan_regions(scenes, budget, cell, repr(self), self._judge, *bounds)

    def _judge(self, scene: Scene, cell: int, side: int) -> tuple[Floats, Floats]:
        worth = region_sums(scene, relevance(scene, cell, LEVELS), cell, side)
        energy = orientation_energy(scene.image, cell * side, ORIENTATIONS)
        directed = anisotropy(energy).numpy()
        turn = directed * np.cos(2 * dominant_angle(energy).numpy())
        ratio = np.sqrt((1 - turn) / (1 + turn + 1e-9))**EXP
        ratio = np.clip(ratio, 1 / self.skew, self.skew)
        return worth * (1 + self.boost * directed), ratio
