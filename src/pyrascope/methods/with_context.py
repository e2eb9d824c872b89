"""Coarse parents under the tokens of another method."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .._check import shorten
from ..allocation.budgets.budget import allocate, check_budget
from ..allocation.contracts.allocator import Allocator, Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan, plan_of_boxes
from .rate_distortion import RateDistortion
from .uniform import Uniform

ROUNDS = 4
"""How often the inner method is asked again for the tokens that its boxes share with the coarse ones."""


@dataclass(frozen=True)
class WithContext:
    """Spends a part of the budget on coarse boxes that cover everything under the boxes of another method.

    The coarse boxes are those of `Uniform`, one plain look at the whole image; the others are the method's plan for
    what is left. A box that both would show is shown once, and the method gets its token for another one (one or two
    coarse boxes are left out where that does not come out even). The plan overlaps itself; `render` lays small boxes
    over large ones.
    Where the budget does not suffice for one coarse and one fine token an image, the plan is the method's own.
    Coarse tokens have score 0, the others that of their method.

    Attributes:
        method: Any method; it is asked for what is left.
        share: Share of the budget for the coarse boxes, above 0 and below 1; at least one token an image.

    Source: thumbnail and tiles, as in the high-resolution modes of many vision-language models; here for any plan.
    """

    site: ClassVar[Site] = PIXELS
    method: Allocator = field(default_factory=RateDistortion)
    share: float = 0.125

    def __post_init__(self) -> None:
        if isinstance(self.method, type) or not callable(self.method):
            raise ValueError(f"method must be a method, made, such as RateDistortion(), got {shorten(self.method)}")
        if isinstance(self.share, bool) or not isinstance(self.share, int | float) or not 0 < self.share < 1:
            raise ValueError(f"share must be a number above 0 and below 1, got {shorten(self.share)}")

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene, `budget` tokens in all, coarse and fine ones together."""
        tokens = check_budget(budget, [scene.size for scene in scenes], cell, repr(self))
        least = len(scenes)
        if tokens < 2 * least:
            return [replace(plan, method=repr(self)) for plan in self.method(scenes, tokens, cell)]
        shares = [self.share, 1 - self.share]
        below = int(allocate(shares, tokens, minimum=least, maximum=tokens)[0])
        coarse = Uniform()([replace(scene, weight=None) for scene in scenes], below, cell)
        fine, new = self._fine(scenes, coarse, tokens, cell)
        surplus = sum(plan.tokens for plan in fine) + sum(int(mine.sum()) for mine in new) - tokens
        plans = []
        for under, over, mine in zip(coarse, fine, new, strict=True):
            kept = np.flatnonzero(mine)
            kept, surplus = kept[: max(len(kept) - surplus, 0)], max(surplus - len(kept), 0)
            boxes = np.concatenate([under.boxes[kept], over.boxes])
            levels = np.concatenate([under.levels[kept], over.levels])
            scores = np.concatenate([np.zeros(len(kept)), over.scores])
            plans.append(plan_of_boxes(boxes, levels, scores, over.image_size, cell, repr(self)))
        return plans

    def _fine(
        self, scenes: Sequence[Scene], coarse: Sequence[Plan], tokens: int, cell: int
    ) -> tuple[list[Plan], list[NDArray[np.bool_]]]:
        """The method's plans, and which coarse boxes they do not have: at least `tokens` together, few if any more."""
        wanted = tokens - sum(plan.tokens for plan in coarse)
        for left in reversed(range(ROUNDS)):
            fine = self.method(scenes, wanted, cell)
            new = [~_double(*pair) for pair in zip(coarse, fine, strict=True)]
            missing = tokens - wanted - sum(int(mine.sum()) for mine in new)
            if missing <= 0:
                break
            wanted = wanted + missing if left > 1 else tokens
        return fine, new


def _double(coarse: Plan, fine: Plan) -> NDArray[np.bool_]:
    """Which coarse boxes the fine plan has too."""
    ours, theirs = (np.ascontiguousarray(plan.boxes).view([("", "f8")] * 4)[:, 0] for plan in (coarse, fine))
    return np.isin(ours, theirs)
