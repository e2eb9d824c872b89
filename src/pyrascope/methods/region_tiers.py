"""Each region of an image in a grid of 64, 144 or 400 tokens, by how hard the region is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from .._check import shorten, whole_number
from ..allocation.budgets.budget import check_budget
from ..allocation.contracts.allocator import Scene, refuse_weights
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.difficulty.difficulty import Difficulty, attention_entropy
from ..allocation.difficulty.glance import Glance
from ..allocation.grids.region_plans import Floats, plan_regions, region_side
from ..allocation.grids.regions import region_grid
from ..allocation.grids.tiers import TERCILES, ascending, check_difficulty, tier_of
from ..allocation.importance.importance import on_cells
from ..allocation.plan import Plan


@dataclass(frozen=True)
class RegionTiers:
    """Hard regions get 400 tokens, medium ones 144, easy ones 64, each a grid in its region: a partition.

    Regions are squares of as many cells as the largest count (20 x 20), cut at the border, where a region has its
    share of each count. With a budget the counts are proportions: each region has at least one token and at most its
    cells, `budget` in all images together; where there are more regions than tokens, regions are larger.

    A region is hard where the attention of the query spreads evenly over it: its entropy over the logarithm of the
    number of cells, if the context has a query and features. Without these, it is what `difficulty` says of the
    region's pixels. A token's score is the count of its region's class over the tokens that the region has. There is
    no weight: difficulty alone decides.

    Attributes:
        tokens: Of easy to hard regions, ascending.
        thresholds: The least difficulty of each class but the first, ascending.
        difficulty: Judges regions, 0 to 1, where no query does.

    Source: what is at times described as FastVLM: `attention_entropy(query, patch)` above two thresholds gives 400 or
    144 tokens, else 64. The publication of that name selects none; see `DifficultyTiers`.
    """

    site: ClassVar[Site] = PIXELS
    tokens: tuple[int, ...] = (64, 144, 400)
    thresholds: tuple[float, ...] = TERCILES
    difficulty: Difficulty = field(default=Glance())

    def __post_init__(self) -> None:
        check_difficulty(self.difficulty)
        given = tuple(self.tokens) if isinstance(self.tokens, list | tuple) else ()
        counts = tuple(whole_number(count, "a count in tokens", 1, 2**20) for count in given)
        if not counts or list(counts) != sorted(set(counts)):
            raise ValueError(f"tokens must be ascending whole numbers, easy first, got {shorten(self.tokens)}")
        object.__setattr__(self, "tokens", counts)
        object.__setattr__(self, "thresholds", ascending(self.thresholds, "thresholds", len(counts) - 1))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; without a budget each region has the tokens of its class."""
        refuse_weights(scenes, "RegionTiers")
        side, sizes = math.isqrt(self.tokens[-1] - 1) + 1, [scene.size for scene in scenes]
        if budget is not None:
            budget = check_budget(budget, sizes, cell, repr(self))
            side = max(side, region_side(sizes, cell, budget))
        return plan_regions(scenes, budget, cell, repr(self), self._judge, (side, None, None), counted=True)

    def _judge(self, scene: Scene, cell: int, side: int) -> tuple[Floats, Floats]:
        """Tokens of each region, of one that the border cuts its share of them."""
        regions, cells = region_grid(scene.size, cell, side)
        features, query = scene.context.features, scene.context.query
        if features is not None and query is not None:
            on_grid = on_cells(features.movedim(-1, 0), scene.size, cell).movedim(0, -1)
            difficulty = attention_entropy(on_grid, query, block=side).flatten().tolist()
        else:
            corners = regions.reshape(-1, 4).astype(int).tolist()
            crops = (Scene(scene.image[:, y0:y1, x0:x1]) for y0, x0, y1, x1 in corners)
            difficulty = [self.difficulty(crop) for crop in crops]
        tokens = np.array(self.tokens)[[tier_of(value, self.thresholds) for value in difficulty]]
        share = np.rint(tokens.reshape(cells.shape[:2]) * (cells.prod(-1) / side**2))
        return np.maximum(share, 1), np.ones(share.shape)
