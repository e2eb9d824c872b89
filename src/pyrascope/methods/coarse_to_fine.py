"""A first look at a coarse view says where the second look needs detail."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from .._check import shorten, whole_number
from ..allocation.budgets.budget import budget_by_size, check_budget
from ..allocation.contracts.allocator import Allocator, Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan, grid_of, plan_of_boxes
from ..signal.resample import resize
from .rate_distortion import RateDistortion
from .resize import Resize


class Detector(Protocol):
    """Whatever looks at a coarse view and says where detail is needed: a detector of text, a model's attention."""

    def __call__(self, view: Tensor) -> Tensor:
        """Returns a heat map (h', w') of any resolution over the view (c, h, w): finite, not negative."""
        ...


@dataclass(frozen=True)
class CoarseToFine:
    """Looks twice: a detector sees a coarse view, and its heat map weights the plan of the second look.

    The first look is a plain resize to `share` % of the budget. Errors of the second look count `elsewhere` where the
    heat is 0 and 1 where it is greatest, times the scene's weight. With `counted` (the default) the plan holds the
    tokens of both looks, exactly the budget in all: it is a coarse view of the whole image and a partition over it,
    and no partition itself. Without, the plan holds the second look alone, exactly the budget, and the first comes on
    top: for a detector that is not the model which reads the tokens.

    Scores are those of the second look, 0 for the tokens of the first. A look of less than one token sees nothing, so
    the plans of the smallest budgets are those of `method`; likewise where the heat is 0 everywhere, and where the
    budget is all cells and nothing is left to choose.

    Attributes:
        method: Plans the second look; one that takes a weight.
        share: Of the budget for the first look, in percent: 1 to 99; up to 1000 where it is not counted.
        elsewhere: How much places without heat count beside those with most, 0 to 1.
        counted: Whether the tokens of the first look are part of the budget and of the plan.
        detector: Sees the view and returns the heat; None for the attention of the model that the method is used with
            (`attach`, `prepare`). It has no part in the method's string: a method rebuilt from `plan.method` needs it
            anew.

    Raises:
        ValueError: called without a detector or a model, or the detector's answer is not a heat map.

    Source: two-stage "look, then zoom" as in coarse-to-fine search of visual detail, with any detector in place of the
    model. Differs from the publications in that the second look is a plan of exact size, not a set of crops.
    """

    site: ClassVar[Site] = PIXELS
    method: Allocator = field(default_factory=RateDistortion)
    share: int = 50
    elsewhere: float = 0.02
    counted: bool = True
    detector: Detector | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        whole_number(self.share, "share", 1, 99 if self.counted else 1000, hint="it is in percent of the budget")
        if (
            isinstance(self.elsewhere, bool)
            or not isinstance(self.elsewhere, int | float)
            or not 0 <= self.elsewhere <= 1
        ):
            raise ValueError(f"elsewhere must be a number from 0 to 1, got {shorten(self.elsewhere)}")
        if not isinstance(self.counted, bool):
            raise TypeError(f"counted must be True or False, got {shorten(self.counted)}")
        if not callable(self.method) or isinstance(self.method, type):
            raise TypeError(f"method must be a method such as RateDistortion(), got {shorten(self.method)}")

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene, exactly `budget` tokens in all."""
        if self.detector is None or self.through_model:
            raise ValueError(
                "CoarseToFine needs a detector that looks at the coarse view, got none; give one, as in "
                "CoarseToFine(detector=lambda view: view.std(0)), or use it with a model, in attach or prepare"
            )
        views = self.looks(scenes, budget, cell)
        heats = [_heat(scene, view, self.detector) for scene, view in zip(scenes, views, strict=bool(views))]
        return self.refined(scenes, views, heats, budget, cell)

    def refined(
        self, scenes: Sequence[Scene], views: Sequence[Plan], heats: Sequence[Tensor], budget: int | None, cell: int
    ) -> list[Plan]:
        """Returns the plans for what a first look has found.

        Args:
            scenes: As the call; likewise what is not named here.
            views: From `looks`.
            heats: What was found in each, as a detector returns it.
            budget: As the call.
            cell: As the call.

        Raises:
            ValueError: a heat that is none.
        """
        total = check_budget(budget, [scene.size for scene in scenes], cell, repr(self))
        if not views:
            return [replace(plan, method=repr(self)) for plan in self.method(scenes, total, cell)]
        weighted = [self._weighted(scene, _checked(heat)) for scene, heat in zip(scenes, heats, strict=True)]
        left = total - sum(view.tokens for view in views) if self.counted else total
        plans = self.method(weighted, left, cell)
        if not self.counted:
            return [replace(plan, method=repr(self)) for plan in plans]
        return [_both(view, plan, repr(self)) for view, plan in zip(views, plans, strict=True)]

    @property
    def through_model(self) -> bool:
        """True if the look is one through the model that reads the tokens, and not a detector's."""
        return self.detector is None or bool(getattr(self.detector, "through_model", False))

    def looks(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns the plans of the first look at the scenes; none where it is less than a token each, or all cells."""
        sizes = [scene.size for scene in scenes]
        total, most = check_budget(budget, sizes, cell, repr(self)), sum(math.prod(grid_of(s, cell)) for s in sizes)
        first = min(total * self.share // 100, total - len(scenes)) if self.counted else total * self.share // 100
        if first < len(scenes) or (self.counted and total == most):
            return []
        looks = budget_by_size(sizes, min(first, most), cell, repr(self))
        return [Resize()([Scene(scene.image)], int(look), cell)[0] for scene, look in zip(scenes, looks, strict=True)]

    def _weighted(self, scene: Scene, heat: Tensor) -> Scene:
        """The scene with the weight that a heat gives to it."""
        peak = float(heat.max())
        if not peak:
            return scene
        weight = self.elsewhere + (1 - self.elsewhere) * heat / peak
        if scene.weight is not None:
            size = [max(a, b) for a, b in zip(weight.shape, scene.weight.shape, strict=True)]
            weight = _nearest(weight, size) * _nearest(scene.weight.to(weight), size)
        return replace(scene, weight=weight.to(scene.image.device))


@torch.no_grad()
def _heat(scene: Scene, view: Plan, detector: Detector) -> Tensor:
    """What the detector finds in what the tokens of `view` show."""
    rows, columns = (len(np.unique(view.boxes[:, axis])) for axis in (0, 1))
    return detector(resize(scene.image, (rows * view.cell, columns * view.cell)))


def _checked(heat: object) -> Tensor:
    """The heat map as float64 on the CPU."""
    expected = "the detector must return a heat map (h, w), finite and not negative"
    if not isinstance(heat, Tensor) or heat.ndim != 2 or not heat.numel():
        raise ValueError(f"{expected}, got {tuple(heat.shape) if isinstance(heat, Tensor) else shorten(heat)}")
    found = heat.detach().to("cpu", torch.float64)
    if not bool(found.isfinite().all()) or bool((found < 0).any()):
        raise ValueError(f"{expected}, got a value that is not; clip the map")
    return found


def _nearest(values: Tensor, size: Sequence[int]) -> Tensor:
    """A map at a finer resolution, each place with the value of the nearest."""
    for axis, count in enumerate(size):
        place = (torch.arange(count, dtype=torch.float64) + 0.5) * values.shape[axis] / count
        values = values.index_select(axis, place.long())
    return values


def _both(look: Plan, plan: Plan, method: str) -> Plan:
    """One plan of the tokens of both looks."""
    boxes, levels, scores = (
        np.concatenate([getattr(p, name) for p in (look, plan)]) for name in ("boxes", "levels", "scores")
    )
    return plan_of_boxes(boxes, levels, scores, plan.image_size, plan.cell, method)
