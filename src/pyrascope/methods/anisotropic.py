"""Token shapes that follow the orientation of structure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from .._check import shorten
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.grids.region_plans import Floats, check_region, plan_regions, region_sums
from ..allocation.importance.orientation import anisotropy, dominant_angle, orientation_energy
from ..allocation.importance.planes import levelled
from ..allocation.plan import Plan
from ..allocation.ties import magnitude
from ..signal.laplacian import laplacian_pyramid
from .multi_scale import relevance

LEVELS, ORIENTATIONS = 3, 8
FITS = 1.25
"""A regular grid may miss the wanted shape by less than elsewhere (`regions.FITS`), since the shape is the point."""


@dataclass(frozen=True)
class Anisotropic:
    """More columns than rows of tokens where an image varies along x, more rows than columns where it varies along y.

    The energy of the finest Laplacian band (what a coarser token loses first) at eight orientations gives each region
    a ratio: with d the energy at doubled angles over all energy (-1: all structure vertical, 1: all horizontal), the
    boxes are ((1 - d) / (1 + d))^2 times as high as wide, within `skew`. So 256 tokens are 8x32 (eight rows, thirty-two
    columns) where structure is vertical, as in the strokes of a line of text, 32x8 where it is horizontal, 16x16
    where it is isotropic; 144 tokens of diagonal structure are 12x12. A region's share of the budget follows its
    relevance (see `MultiScale`), times 1 + `boost` where structure has one direction: isotropic regions are coarser.

    The plan partitions the image; every budget from 1 to the full grid is met exactly. Shapes are bounded by the cells
    of a region: at the full budget all tokens are native. Without a budget regions of 20x20 cells get 64 to 400 tokens.

    Attributes:
        boost: How much more a region of one direction is worth, at least 0.
        skew: Greatest ratio of a box's sides, at least 1.
        region: Side of a region in cells; None: 20 without a budget, else as small as leaves four tokens a region.
        minimum: Fewest tokens of a region; None: 1, or 64 without a budget.
        maximum: Most tokens of a region; None: its cells, or 400 without a budget.

    Source: token allocation guided by a steerable pyramid: 8x32 for horizontal text, 32x8, 16x16, a boost of 1.2.
    Differs from its account in that tokens are finer across the structure, where the image varies, not along it, that
    the ratio is continuous, and that diagonals are boosted as well.
    """

    site: ClassVar[Site] = PIXELS
    boost: float = 0.2
    skew: float = 4.0
    region: int | None = None
    minimum: int | None = None
    maximum: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("boost", 0), ("skew", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
                raise ValueError(f"{name} must be a finite number >= {least}, got {shorten(value)}")
        check_region(self.region, self.minimum, self.maximum)

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene; regions of all scenes share the budget by their worth."""
        bounds = self.region, self.minimum, self.maximum
        return plan_regions(scenes, budget, cell, repr(self), self._judge, bounds, FITS)

    def _judge(self, scene: Scene, cell: int, side: int) -> tuple[Floats, Floats]:
        worth = region_sums(scene, relevance(scene, cell, LEVELS), cell, side)
        with torch.no_grad():
            directed, turn = direction(scene.image, cell * side)
        ratio = ((1 - turn) / (1 + turn).clip(min=1e-9)) ** 2
        return worth * (1 + self.boost * directed), np.clip(ratio, 1 / self.skew, self.skew)


def direction(image: Tensor, side: int) -> tuple[Floats, Floats]:
    """Returns how far the fine structure of each square of `side` px has one direction, 0 to 1, and how horizontal.

    The second is -1 where all of it is vertical, 1 where all is horizontal, 0 where it is diagonal or has no direction.
    """
    band = laplacian_pyramid(levelled(image), levels=2)[0]
    energy = orientation_energy(band, side, ORIENTATIONS, size=magnitude(image))
    directed = anisotropy(energy)
    return directed.numpy(), (directed * torch.cos(2 * dominant_angle(energy))).numpy()
