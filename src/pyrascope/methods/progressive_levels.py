"""Coarse everywhere first, then finer views of the most relevant places."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._check import shorten, whole_number
from ..allocation.budgets.budget import budget_by_size
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.grids.levels import (
    best_of_each,
    level_counts,
    level_grids,
    plan_of_levels,
    relevance_levels,
    weight_levels,
)
from ..allocation.grids.regions import region_boxes, region_grid
from ..allocation.grids.tiers import not_negative
from ..allocation.importance.frequency import BandEnergy
from ..allocation.importance.query import has_query, query_map
from ..allocation.plan import Plan, grid_of, plan_of_boxes
from ..allocation.ties import ROUNDED, order_of


@dataclass(frozen=True)
class ProgressiveLevels:
    """A coarse view of all places, a finer one of the most relevant 30 %, the finest of the most relevant 10 %.

    Without a budget, the image is cut into regions whose native grid is the last count (400: 20 x 20 cells, fewer at
    the border), and each region is seen as a grid of 64 tokens, the best 30 % of them again as one of 128, and the
    best 10 % once more as one of 400; a region cut by the border has its share of each count. `reduction` says what
    this saves.

    With a budget B the views are levels of the pyramid. The coarse one is the finest level whose cells, all of them,
    fit its share of B (64 of 64 + 0.3 * 128 + 0.1 * 400), or the one of a single cell; what is left of B goes to the
    most relevant cells of the next finer levels in the proportion of their shares, exactly.

    Relevance is to the question where the context has an attention map, or a query and features, else the energy of
    what the cell adds; times the weight. A finer view lies over the coarser one, so boxes overlap; all of the image is
    covered. Scores are relevance. Several images (frames) share a budget by their size.

    Attributes:
        shares: What share of the places each view shows, coarse first; the first is 1.
        tokens_per_region: Tokens of a region in each view, ascending.

    Source: what is at times described as PVC (progressive visual compression), and Gaussian progressive loading. The
    publication of that name (CVPR 2025, arXiv 2412.09613) encodes frames progressively, 64 tokens each, and is
    trained; this is not it. The saving that is claimed for the description, 99 %, does not follow from its numbers:
    64 + 0.3 * 128 + 0.1 * 400 = 142.4 of 400 tokens are 64 % saved.
    """

    site: ClassVar[Site] = PIXELS
    shares: tuple[float, ...] = (1.0, 0.3, 0.1)
    tokens_per_region: tuple[int, ...] = (64, 128, 400)

    def __post_init__(self) -> None:
        shares = tuple(self.shares) if isinstance(self.shares, list | tuple) else ()
        if not all(map(not_negative, shares)) or shares[:1] != (1,) or list(shares) != sorted(shares, reverse=True):
            raise ValueError(
                f"shares must be descending numbers from 1 to 0, coarse first, such as (1, 0.3, 0.1), "
                f"got {shorten(self.shares)}"
            )
        given = tuple(self.tokens_per_region) if isinstance(self.tokens_per_region, list | tuple) else ()
        if len(given) != len(shares):
            raise ValueError(
                f"tokens_per_region must be {len(shares)} ascending whole numbers, one for each of shares, "
                f"got {shorten(self.tokens_per_region)}"
            )
        counts = tuple(whole_number(count, "a count in tokens_per_region", 1, 2**20) for count in given)
        if list(counts) != sorted(set(counts)):
            raise ValueError(f"tokens_per_region must ascend, coarse first, got {shorten(self.tokens_per_region)}")
        object.__setattr__(self, "shares", tuple(map(float, shares)))
        object.__setattr__(self, "tokens_per_region", counts)

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; without a budget each has the counts of its regions."""
        if budget is None:
            return [self._by_regions(scene, cell) for scene in scenes]
        counts = budget_by_size([scene.size for scene in scenes], budget, cell, repr(self))
        return [self._by_levels(scene, int(count), cell) for scene, count in zip(scenes, counts, strict=True)]

    def _by_regions(self, scene: Scene, cell: int) -> Plan:
        side = math.isqrt(self.tokens_per_region[-1] - 1) + 1
        regions, cells = (part.reshape(-1, part.shape[-1]) for part in region_grid(scene.size, cell, side))
        area = cells.prod(1)
        found = query_map(scene, cell * side) if has_query(scene.context) else BandEnergy()(scene, cell * side)
        relevance = (found * weight_levels(scene, cell * side, 1)[0]).numpy().ravel()
        ranked = np.argsort(order_of(-relevance, ROUNDED), kind="stable")
        views, shown = [], np.zeros_like(area)
        for share, tokens in zip(self.shares, self.tokens_per_region, strict=True):
            counts = np.maximum((2 * tokens * area + side**2) // (2 * side**2), 1)
            places = ranked[: math.floor(share * len(ranked) + 0.5)]
            places = places[counts[places] > shown[places]]  # where all cells are shown there is no finer view
            shown[places] = counts[places]
            boxes, levels, of = region_boxes(regions[places], counts[places], cell, most=cells[places])
            views.append((boxes, levels, relevance[places][of]))
        boxes, levels, scores = (np.concatenate(parts) for parts in zip(*views, strict=True))
        return plan_of_boxes(boxes, levels, scores, scene.size, cell, repr(self))

    def _by_levels(self, scene: Scene, budget: int, cell: int) -> Plan:
        grids = level_grids(scene.size, cell)
        cells = [rows * columns for rows, columns in grids]
        loads = [share * tokens for share, tokens in zip(self.shares, self.tokens_per_region, strict=True)]
        most = budget * loads[0] / sum(loads)
        coarse = next((level for level, count in enumerate(cells) if count <= most), len(cells) - 1)
        wanted = np.zeros(max(coarse, 1))
        finer = loads[1:] if any(loads[1:]) else loads[:1]
        for step, load in enumerate(finer, start=1):
            wanted[max(coarse - step, 0)] += load
        counts = level_counts(wanted.tolist(), grids[:coarse], budget - cells[coarse])
        scores = relevance_levels(scene, cell, coarse + 1)
        chosen = best_of_each(scores, [*counts, cells[coarse]])
        return plan_of_levels(scores, chosen, scene.size, cell, repr(self))


def reduction(plans: Sequence[Plan]) -> float:
    """Returns what share of tokens the plans save against native resolution, 400 tokens a region of 20 x 20 cells.

    Negative where plans have more tokens than their images have cells.

    Example:
        >>> plan = Plan([[0, 0, 64, 64]], [[2, 2]], [0], (64, 64), 16, "one token for 16 cells")
        >>> reduction([plan, plan])
        0.9375
    """
    cells = sum(math.prod(grid_of(plan.image_size, plan.cell)) for plan in plans)
    return 1 - sum(plan.tokens for plan in plans) / cells
