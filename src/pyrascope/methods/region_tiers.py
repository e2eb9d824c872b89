"""Each region of an image in a grid of 64, 144 or 400 tokens, by how hard the region is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .._check import shorten, whole_number
from ..allocation.allocator import Scene, refuse_weights
from ..allocation.budget import allocate, check_budget
from ..allocation.importance.difficulty import Difficulty, attention_entropy
from ..allocation.importance.glance import Glance
from ..allocation.importance.importance import on_cells
from ..allocation.plan import Plan, grid_of, plan_of_boxes
from ..allocation.regions import region_boxes, region_grid
from ..allocation.tiers import TERCILES, ascending, measure, tier_of


@dataclass(frozen=True)
class RegionTiers:
    """Hard regions get 400 tokens, medium ones 144, easy ones 64, each a grid in its region: a partition.

    Regions are squares of as many cells as the largest count (20 x 20), cut at the border, where a region has its
    share of each count. With a budget the counts are proportions: each region has at least one token and at most its
    cells, `budget` in all images together; where there are more regions than tokens, regions are doubled in side.

    A region is hard where the attention of the query spreads evenly over it: its entropy over the logarithm of the
    number of cells, if the context has a query and features. Without these, it is what `difficulty` says of the
    region's pixels. Scores are the difficulty of the region. There is no weight: difficulty alone decides.

    Attributes:
        tokens: Of easy to hard regions, ascending.
        thresholds: The least difficulty of each class but the first, ascending.
        difficulty: Judges regions, 0 to 1, where no query does.

    Source: what is at times described as FastVLM: `attention_entropy(query, patch)` above two thresholds gives 400 or
    144 tokens, else 64. The publication of that name selects none; see `DifficultyTiers`.
    """

    tokens: tuple[int, ...] = (64, 144, 400)
    thresholds: tuple[float, ...] = TERCILES
    difficulty: Difficulty = field(default=Glance())

    def __post_init__(self) -> None:
        measure(self.difficulty)
        given = tuple(self.tokens) if isinstance(self.tokens, list | tuple) else ()
        counts = tuple(whole_number(count, "a count in tokens", 1, 2**20) for count in given)
        if not counts or list(counts) != sorted(set(counts)):
            raise ValueError(f"tokens must be ascending whole numbers, easy first, got {shorten(self.tokens)}")
        object.__setattr__(self, "tokens", counts)
        object.__setattr__(self, "thresholds", ascending(self.thresholds, "thresholds", len(counts) - 1))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; without a budget each region has the tokens of its class."""
        refuse_weights(scenes, "RegionTiers")
        side = math.isqrt(self.tokens[-1] - 1) + 1
        if budget is not None:
            budget = check_budget(budget, [scene.size for scene in scenes], cell, repr(self))
            while sum(_count(scene, cell, side) for scene in scenes) > budget:
                side *= 2
        hard = [self._difficulty(scene, cell, side) for scene in scenes]
        cells = [region_grid(scene.size, cell, side)[1].reshape(-1, 2) for scene in scenes]
        area = np.concatenate(cells).prod(1)
        classes = [tier_of(difficulty, self.thresholds) for difficulty in np.concatenate(hard)]
        wanted = np.array(self.tokens)[classes] * area
        if budget is None:
            counts = np.maximum((2 * wanted + side**2) // (2 * side**2), 1)
        else:
            counts = allocate(wanted, budget, maximum=area)
        shares = np.split(counts, np.cumsum([len(part) for part in cells])[:-1])
        return [
            self._plan(scene, share, difficulty, cell, side)
            for scene, share, difficulty in zip(scenes, shares, hard, strict=True)
        ]

    def _plan(
        self, scene: Scene, counts: NDArray[np.int64], difficulty: NDArray[np.float64], cell: int, side: int
    ) -> Plan:
        regions, cells = region_grid(scene.size, cell, side)
        boxes, levels, of = region_boxes(regions.reshape(-1, 4), counts, cell, most=cells.reshape(-1, 2))
        return plan_of_boxes(boxes, levels, difficulty[of], scene.size, cell, repr(self))

    def _difficulty(self, scene: Scene, cell: int, side: int) -> NDArray[np.float64]:
        """Difficulty of each region (regions,), in reading order."""
        features, query = scene.context.features, scene.context.query
        if features is not None and query is not None:
            on_grid = on_cells(features.movedim(-1, 0), scene.size, cell).movedim(0, -1)
            return attention_entropy(on_grid, query, block=side).cpu().numpy().ravel()
        regions = region_grid(scene.size, cell, side)[0].reshape(-1, 4).astype(int)
        crops = (scene.image[:, y0:y1, x0:x1] for y0, x0, y1, x1 in regions.tolist())
        return np.array([self.difficulty(Scene(crop)) for crop in crops])


def _count(scene: Scene, cell: int, side: int) -> int:
    rows, columns = grid_of(scene.size, cell)
    return -(-rows // side) * -(-columns // side)
