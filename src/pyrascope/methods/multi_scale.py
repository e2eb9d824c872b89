"""Tokens by region from the relevance at every level of a pyramid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from .._check import whole_number
from ..allocation.contracts.allocator import Context, Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.grids.region_plans import Floats, check_region, plan_regions, region_sums
from ..allocation.importance.frequency import energy_density
from ..allocation.importance.importance import normalised, on_cells
from ..allocation.importance.planes import area_levels
from ..allocation.importance.query import cosine_relevance, has_query
from ..allocation.plan import Plan
from ..signal.resample import resize


@dataclass(frozen=True)
class MultiScale:
    """Relevance is found at every level of a pyramid, summed on the finest, and gives each region its tokens.

    With features and a query in the context, the features become a pyramid (halved again and again), and the relevance
    of a level is the cosine of its features and the query, from the least of that level up; an attention map in the
    context becomes a pyramid in the same way. Without, it is the energy of the image's Laplacian bands, one map a
    level. Each level's map is brought to the cells, to mean 1, and they are
    added, times the weight. A region gets `minimum` tokens and a share of the others that follows its relevance, at
    most `maximum`; its count becomes a near-square grid (64: 8x8, 400: 20x20). The plan partitions the image; every
    budget from 1 to the full grid is met exactly, bounds that cannot meet it are refused with the range.

    Without a budget the numbers of the source hold: from 64 tokens (relevance 0) to 400 (the most relevant region) in
    regions of 20x20 cells, all cells where there are fewer. A token's score is its region's relevance a token.

    Attributes:
        levels: Number of levels, at least 1.
        region: Side of a region in cells; None: 20 without a budget, else as small as leaves four tokens a region.
        minimum: Fewest tokens of a region; None: 1, or 64 without a budget.
        maximum: Most tokens of a region; None: its cells, or 400 without a budget.

    Source: the token allocator over a pyramid of features ("PyramidTokenAllocator"). Differs from its sketch in that
    relevance is brought to the finest level's size at every level, is not a share of a sum (which leaves every region
    at its minimum), and in that counts are whole numbers within their bounds whose sum is the budget.
    """

    site: ClassVar[Site] = PIXELS
    levels: int = 3
    region: int | None = None
    minimum: int | None = None
    maximum: int | None = None

    def __post_init__(self) -> None:
        whole_number(self.levels, "levels", 1, 16)
        check_region(self.region, self.minimum, self.maximum)

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene; regions of all scenes share the budget by their relevance."""
        bounds = self.region, self.minimum, self.maximum
        return plan_regions(scenes, budget, cell, repr(self), self._judge, bounds)

    def _judge(self, scene: Scene, cell: int, side: int) -> tuple[Floats, Floats]:
        worth = region_sums(scene, relevance(scene, cell, self.levels), cell, side)
        return worth, np.ones_like(worth)


def relevance(scene: Scene, cell: int, levels: int) -> Tensor:
    """Returns the relevance of each cell, summed over the levels, float64 (rows, columns), mean `levels`."""
    context = scene.context
    if not has_query(context):
        maps = energy_density(scene.image, cell, levels)
    else:
        pyramid = _asked(context, levels)
        finest = (int(pyramid[0].shape[0]), int(pyramid[0].shape[1]))
        whole = torch.stack([resize((level - level.min())[None], finest, "linear")[0] for level in pyramid])
        maps = on_cells(whole, scene.size, cell)
    return torch.stack([normalised(level) for level in maps]).sum(0)


def _asked(context: Context, levels: int) -> list[Tensor]:
    """What is asked for at each level: the attention map, or the cosines of features and query."""
    if context.attention is not None:
        return [level[0] for level in area_levels(context.attention.detach().double()[None], levels)]
    features, query = context.features, context.query
    if features is None or query is None:
        raise ValueError("relevance needs context.query and context.features, or context.attention, got none")
    pyramid = area_levels(features.detach().double().permute(2, 0, 1), levels)
    return [cosine_relevance(level.permute(1, 2, 0), query) for level in pyramid]
