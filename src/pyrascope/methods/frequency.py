"""More tokens where the Laplacian pyramid has more energy."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from .._check import shorten
from ..allocation.budgets.budget import budget_by_size
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.grids.levels import best_of_each, content_levels, level_counts, level_grids, plan_of_levels
from ..allocation.grids.region_plans import FEWEST, MOST, Floats, plan_regions
from ..allocation.grids.tiers import not_negative
from ..allocation.importance.importance import on_cells
from ..allocation.plan import Plan
from ..allocation.tree.distortion import BoxSums, box_sums, pair_sums
from ..allocation.tree.measure import Measure
from ..allocation.tree.partition import plan_partitions
from ..signal.laplacian import laplacian_pyramid
from ..signal.ripmap import LevelPair

MIDDLE = 144
"""Tokens of a region whose second band alone exceeds its threshold."""


@dataclass(frozen=True, repr=False)
class Frequency:
    """Square boxes, split where the band that the finer level adds has the most energy.

    A box of level l leaves out the Laplacian bands 0 .. l - 1 (Burt-Adelson); their energy within the box, times the
    area of a band's pixel, is what splitting can gain. The plan partitions the image; every budget from 1 to the full
    grid is met exactly. A token's score is the band energy that its split added.

    A simple proxy, kept because the field uses it: these bands are softer than the levels that tokens are read from
    (compare `RateDistortion`, whose gain is the distortion itself).

    With `weights` each band has a budget of its own: its share of a Laplacian loss, w_l times the mean absolute value
    of band l. So many cells of level l, those with the most energy in that band, are tokens; they overlap, and cover
    the image only where a level is taken whole. What a level cannot hold goes to the next finer one, then coarser.

    With `thresholds` (high, middle) regions get 400 tokens where the mean absolute value of band 0 is above the first,
    144 where that of band 1 is above the second, else 64. Without a budget these are the counts, in regions of 20x20
    cells (all cells where there are fewer); with one they are the proportions in which it is shared, exactly.

    Attributes:
        weights: Of the bands in the loss, fine to coarse, such as (1, 0.5, 0.25, 0.125).
        thresholds: high >= middle >= 0, in values of the image. Not together with weights.

    Source: frequency-aware allocation by band energy, with 400/144/64 tokens; bands of Burt and Adelson (1983).
    """

    site: ClassVar[Site] = PIXELS
    weights: tuple[float, ...] | None = None
    thresholds: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("weights", "thresholds"):
            values = getattr(self, name)
            if values is None:
                continue
            if not isinstance(values, tuple | list) or not values or not all(map(not_negative, values)):
                raise ValueError(f"{name} must be finite numbers, not negative, got {shorten(values)}")
            object.__setattr__(self, name, tuple(map(float, values)))
        if self.thresholds and (len(self.thresholds) != 2 or self.thresholds[0] < self.thresholds[1]):
            raise ValueError(f"thresholds must be (high, middle) with high >= middle, got {shorten(self.thresholds)}")
        if self.weights and (self.thresholds or not any(self.weights)):
            raise ValueError(f"weights must not all be 0, and come without thresholds, got {shorten(self.weights)}")

    def __repr__(self) -> str:
        """Names the options that are set, so that plans without any keep their name."""
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        given = ", ".join(f"{name}={value!r}" for name, value in options.items() if value is not None)
        return f"Frequency({given})"

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image under one budget, split where the bands of any of them have the most energy."""
        if self.thresholds:
            return plan_regions(scenes, budget, cell, repr(self), self._tiers, counted=True)
        if self.weights:
            shares = budget_by_size([scene.size for scene in scenes], budget, cell, repr(self))
            return [self._banded(scene, int(share), cell) for scene, share in zip(scenes, shares, strict=True)]
        return plan_partitions(scenes, budget, cell, 1, repr(self), _band_energy)

    def _banded(self, scene: Scene, budget: int, cell: int) -> Plan:
        weights = self.weights or ()
        grids = level_grids(scene.size, cell)
        # bands that the loss leaves out get tokens only where the others cannot hold the budget
        means = [float(band.mean()) for band in _bands(scene, len(weights))]
        losses = [weight * mean for weight, mean in zip(weights, means, strict=True)]
        shares = losses + [0.0] * (len(grids) - len(losses)) if any(losses) else [1.0] * len(grids)
        scores = content_levels(scene, cell, len(grids))
        chosen = best_of_each(scores, level_counts(shares, grids, budget))
        return plan_of_levels(scores, chosen, scene.size, cell, repr(self))

    def _tiers(self, scene: Scene, cell: int, side: int) -> tuple[Floats, Floats]:
        high, middle = self.thresholds or (0.0, 0.0)
        fine, mid = (on_cells(band, scene.size, cell * side).cpu().numpy() for band in _bands(scene, 2))
        tokens = np.where(fine > high, MOST, np.where(mid > middle, MIDDLE, FEWEST))
        return tokens.astype(np.float64), np.ones(fine.shape)


def _bands(scene: Scene, count: int) -> list[Tensor]:
    """Absolute values of the finest bands (h_l, w_l), mean over channels."""
    with torch.no_grad():
        return [band.abs().mean(0) for band in laplacian_pyramid(scene.image, levels=count + 1)[:-1]]


def _band_energy(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
    """Energy of the bands that a box of each level leaves out; a 2:1 box leaves out half of its last band."""
    image, measure = scene.image, Measure(scene.size, scene.weight)
    bands = laplacian_pyramid(image, levels=max(levels)[0] + 1)
    found: BoxSums = {(0, 0): box_sums(torch.zeros_like(image[0]), (cell, cell))}
    for fine, band in enumerate(bands[:-1]):
        energy = measure(band.square().sum(0), (fine, fine))
        for axis, level in enumerate([(fine + 1, fine), (fine, fine + 1)]):
            box = (2 * cell, cell) if axis == 0 else (cell, 2 * cell)
            found[level] = pair_sums(found[fine, fine], axis) + box_sums(energy, box) / 2
        found[fine + 1, fine + 1] = pair_sums(pair_sums(found[fine, fine], 0), 1) + box_sums(
            energy, (2 * cell, 2 * cell)
        )
    return found
