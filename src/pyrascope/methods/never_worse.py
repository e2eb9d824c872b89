"""Another method, or a plain grid where that would show the image as well."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch

from .._check import shorten
from ..allocation.contracts.allocator import Allocator, Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.grids.regions import region_boxes
from ..allocation.plan import Plan, grid_of, plan_of_boxes
from ..allocation.ties import magnitude, margin_of
from ..allocation.tree.measure import Measure
from ..tokens.gather import gather_patches
from ..tokens.render import render_patches
from .rate_distortion import RateDistortion
from .resize import NEAR_SQUARE, Resize

Criterion = Callable[[Scene, Plan], float]
"""(scene, plan) -> how bad the plan is, such as a distance of features or the entropy of an answer."""


@dataclass(frozen=True)
class NeverWorse:
    """The plan of another method, but a plain resize where that plan is not better for the same number of tokens.

    Both plans, and the best plain resize within the budget, are gathered and rendered, and their (weighted) squared
    errors compared; of several images each is judged for itself, for the tokens that the method gave it. The resize
    that takes over has exactly that many tokens: a grid of near-square boxes whose rows differ by one box where no
    regular grid has that many (`Resize` itself would leave tokens unspent). Its scores are 0. Squared errors that
    differ by rounding alone are equal.

    Attributes:
        method: Any method that takes a budget.
        criterion: (scene, plan) -> a number, lower is better, that takes the place of the squared error; a frozen
            dataclass, so that `plan.method` can be read. None: the weighted squared error of what the tokens show.

    Source: the resize as a candidate of every allocation, here with its exact count.
    """

    site: ClassVar[Site] = PIXELS
    method: Allocator = field(default_factory=lambda: RateDistortion(aspect=1))
    criterion: Criterion | None = None

    def __post_init__(self) -> None:
        if isinstance(self.method, type) or not callable(self.method):
            raise ValueError(f"method must be a method, made, such as RateDistortion(), got {shorten(self.method)}")
        if self.criterion is not None and not callable(self.criterion):
            raise ValueError(f"criterion must be a callable (scene, plan) -> number, got {shorten(self.criterion)}")

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene: the method's, or a plain grid of as many tokens."""
        plans = self.method(scenes, budget, cell)
        return [replace(self._better(*pair), method=repr(self)) for pair in zip(scenes, plans, strict=True)]

    def _better(self, scene: Scene, plan: Plan) -> Plan:
        judge = self.criterion or shown_error
        room = margin_of(scene.image.dtype) * magnitude(scene.image)
        grid = even_grid(plan.image_size, plan.tokens, plan.cell)
        small = Resize()([replace(scene, weight=None)], plan.tokens, plan.cell)[0]
        with torch.no_grad():
            bad, others = judge(scene, plan), [judge(scene, grid), judge(scene, small)]
        least = min(others)
        better = bad < least if self.criterion else _rms(bad, scene) + room < _rms(least, scene)
        return plan if better else grid


def shown_error(scene: Scene, plan: Plan) -> float:
    """Returns the weighted squared difference between an image and what the tokens of a plan show, in all."""
    shown = render_patches(plan, gather_patches(scene.image, plan))
    return float(Measure(scene.size, scene.weight)((shown - scene.image).square().sum(0).double(), (0, 0)).sum())


def _rms(error: float, scene: Scene) -> float:
    return math.sqrt(error / scene.image.numel())


def even_grid(size: tuple[int, int], tokens: int, cell: int) -> Plan:
    """Returns the plan of a plain resize that has exactly `tokens` boxes, near-square; rows may differ by one box.

    Example:
        >>> np.unique(even_grid((512, 768), 256, 16).boxes[:, 0], return_counts=True)[1]
        array([19, 20, 20, 19, 20, 20, 19, 20, 20, 19, 20, 20, 20])
    """
    parts = region_boxes([[0, 0, *size]], [tokens], cell, most=[grid_of(size, cell)], fits=NEAR_SQUARE)
    return plan_of_boxes(parts[0], parts[1], np.zeros(tokens), size, cell, "an even grid")
