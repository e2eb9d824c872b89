"""Fine where one looks, coarse around: tokens by cortical magnification."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from .._check import shorten
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.importance.fixation import Fixation
from ..allocation.importance.importance import ImportanceMap, cell_edges, on_cells, weight_of
from ..allocation.plan import Plan
from ..allocation.tree.density import plan_density
from .rate_distortion import RateDistortion


@dataclass(frozen=True)
class Foveated:
    """Boxes whose sides grow with the distance e from the nearest fixation, as 1 / M(e), M(e) = M0 / (e + e0).

    Each token holds the same area of cortex: the density of tokens follows M(e)^2, until cells are native. With
    `content` the plan is instead the one of `RateDistortion` whose errors count M(e) times as much. Fixations are
    those of the context; else the peaks of the map for a query or an attention map of the context; else the most
    salient places (`gaze` says how many, with inhibition of return). The plan partitions the image; every budget from
    1 to the full grid is met exactly. Scores are as in `plan_density`, or as in `RateDistortion`.

    Attributes:
        gaze: Where fixations come from, how many are found, and e0: 0.75 degrees of 32 pixels, as of humans.
        content: Weigh the distortion by M(e), instead of dividing the field of view alone.
        weight: Another map that multiplies, such as `RelevanceRealization()`.

    Source: Horton and Hoyt (1991) for M; foveation by a query as in ARR-COC-VIS, whose plans for a foveated pyramid
    this is, made exact: boxes are dyadic, so their sides follow 1 / M(e) in octaves, halved per axis.
    """

    site: ClassVar[Site] = PIXELS
    gaze: Fixation = field(default_factory=Fixation)
    content: bool = False
    weight: ImportanceMap | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.gaze, Fixation):
            raise ValueError(f"gaze must be a Fixation, such as Fixation(count=2), got {shorten(self.gaze)}")
        if not isinstance(self.content, bool):
            raise ValueError(f"content must be True or False, got {shorten(self.content)}")
        if self.weight is not None and (isinstance(self.weight, type) or not callable(self.weight)):
            raise ValueError(f"weight must be an importance map or None, got {shorten(self.weight)}")

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene; without content, scenes share the budget by their area (and weight)."""
        if not self.content:
            return plan_density(scenes, budget, cell, repr(self), self._cortex)
        length = replace(self, gaze=replace(self.gaze, power=self.gaze.power / 2))
        weighted = [
            replace(scene, weight=weight_of(length._wanted(scene, cell), scene.size, cell).to(scene.image.device))
            for scene in scenes
        ]
        return [replace(plan, method=repr(self)) for plan in RateDistortion()(weighted, budget, cell)]

    def _cortex(self, scene: Scene, cell: int) -> Tensor:
        """Area of cortex of each cell, of its part inside the image."""
        rows, columns = (cell_edges(pixels, cell).diff() for pixels in scene.size)
        return self._wanted(scene, cell) * rows[:, None] * columns

    def _wanted(self, scene: Scene, cell: int) -> Tensor:
        """What a pixel of each cell is worth: the gaze, the weight map and the scene's weight, multiplied."""
        with torch.no_grad():
            found = self.gaze(scene, cell)
            if self.weight is not None:
                found = found * self.weight(scene, cell)
            return found if scene.weight is None else found * on_cells(scene.weight, scene.size, cell).cpu()
