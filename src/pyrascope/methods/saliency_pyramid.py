"""The tokens of a pyramid that stand out most from what surrounds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from .._check import shorten, whole_number
from ..allocation.budgets.budget import check_budget
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.grids.levels import LevelScores, best_of_all, level_grids, plan_of_levels, weight_levels
from ..allocation.grids.tiers import not_negative
from ..allocation.importance.importance import on_cells
from ..allocation.importance.planes import area_levels, levelled
from ..allocation.importance.saliency import centre_surround
from ..allocation.plan import Plan
from ..allocation.tree.partition import all_finite

SURROUNDS = 2
"""Levels coarser than the coarsest one that tokens come from: its surround."""
SHIFT = 2
"""Contrast is measured on samples that are so many levels coarser than the token's own pixels: 4 x 4 of 16 x 16."""


@dataclass(frozen=True)
class SaliencyPyramid:
    """Of the tokens of all levels of a pyramid, those with the most centre-surround contrast.

    The contrast of a level against the coarser ones, at a quarter of the token's own resolution, is averaged over
    each token, times the weight of the level: coarse tokens count more, so that the structure of the whole is kept.
    The best tokens of all levels together are the plan: boxes of several levels may lie over one another, and places
    where nothing stands out may be left out. No question is asked and nothing is trained. Scores are contrast times
    weight.

    Several images share a budget by the scores of their tokens. A weight map multiplies the contrast.

    Attributes:
        levels: How many levels tokens come from, native resolution the first.
        weights: Of the levels, fine to coarse; None: evenly from 0.5 (fine) to 2 (coarse).

    Source: what is at times called PyramidDrop: four Gaussian levels, saliency tokens, level weights 2, 1.5, 1, 0.5,
    the best 273. The publication of that name (CVPR 2025, arXiv 2410.17247) drops tokens between the layers of a
    language model instead; this is not it. The weights are given to the levels by their stated purpose, coarse levels
    first, where the list as printed would give the largest to the finest.
    """

    site: ClassVar[Site] = PIXELS
    levels: int = 4
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        whole_number(self.levels, "levels", 1, 24)
        if self.weights is None:
            return
        weights = tuple(self.weights) if isinstance(self.weights, list | tuple) else ()
        if len(weights) != self.levels or not all(map(not_negative, weights)):
            raise ValueError(
                f"weights must be {self.levels} finite numbers, not negative, one a level, got {shorten(self.weights)}"
            )
        object.__setattr__(self, "weights", tuple(map(float, weights)))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; each gets at least its best token."""
        tokens = check_budget(budget, [scene.size for scene in scenes], cell, repr(self))
        scores = [self._scores(scene, cell) for scene in scenes]
        return [
            plan_of_levels(each, chosen, scene.size, cell, repr(self))
            for scene, each, chosen in zip(scenes, scores, best_of_all(scores, tokens), strict=True)
        ]

    def _scores(self, scene: Scene, cell: int) -> LevelScores:
        """Contrast of each token, times the weight of its level and of its place."""
        grids = level_grids(scene.size, cell, self.levels)
        levels = len(grids)
        factors = np.linspace(0.5, 2.0, self.levels) if self.weights is None else self.weights
        shift = min(SHIFT, cell.bit_length() - 1)  # a token has a sample at least
        with torch.no_grad():
            finest = avg_pool2d(levelled(scene.image), 2**shift, ceil_mode=True, count_include_pad=False)
            contrast = centre_surround(area_levels(finest, levels + SURROUNDS))
        found = []
        for level, (grid, weight) in enumerate(zip(grids, weight_levels(scene, cell, levels), strict=True)):
            samples = contrast[level]
            covered = samples.shape[-2] << level + shift, samples.shape[-1] << level + shift
            mean = on_cells(samples, covered, cell << level).cpu()[: grid[0], : grid[1]]
            found.append(all_finite((mean * weight * float(factors[level])).numpy()))
        return found
