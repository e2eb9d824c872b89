"""Coarse parents under the tokens of another method."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .._check import shorten
from ..allocation.allocator import Allocator, Scene
from ..allocation.budget import allocate, check_budget
from ..allocation.plan import Plan, grid_of, plan_of_boxes
from .rate_distortion import RateDistortion
from .uniform import Uniform

ROUNDS = 4
"""How often the inner method is asked again for the tokens that its boxes share with the coarse ones."""


@dataclass(frozen=True)
class WithContext:
    """Spends a part of the budget on coarse boxes that cover everything under the boxes of another method.

    The coarse boxes are those of `Uniform`, one plain look at the whole image; the others are the method's plan for
    what is left. A box that both would show is shown once, and the method gets its token for another one (a few may
    stay double where the method cannot use it). The plan overlaps itself; `render` lays small boxes over large ones.
    Where the budget does not suffice for one coarse and one fine token an image, the plan is the method's own.
    Coarse tokens have score 0, the others that of their method.

    Attributes:
        method: Any method; it is asked for what is left.
        share: Share of the budget for the coarse boxes, above 0 and below 1; at least one token an image.

    Source: thumbnail and tiles, as in the high-resolution modes of many vision-language models; here for any plan.
    """

    method: Allocator = RateDistortion()
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
        fine = self._fine(scenes, coarse, tokens - below, cell)
        spare = below + sum(plan.tokens for plan in fine) - tokens
        plans = []
        for under, over in zip(coarse, fine, strict=True):
            drop = np.flatnonzero(_double(under, over))[:spare]
            spare -= len(drop)
            boxes, levels = (np.delete(values, drop, 0) for values in (under.boxes, under.levels))
            parts = [(boxes, levels, np.zeros(len(boxes))), (over.boxes, over.levels, over.scores)]
            joined = (np.concatenate(both) for both in zip(*parts, strict=True))
            plans.append(plan_of_boxes(*joined, over.image_size, cell, repr(self)))
        return plans

    def _fine(self, scenes: Sequence[Scene], coarse: Sequence[Plan], tokens: int, cell: int) -> list[Plan]:
        """The method's plans for as many tokens as leave at least `tokens` that are not among the coarse boxes."""
        most = sum(rows * columns for rows, columns in (grid_of(scene.size, cell) for scene in scenes))
        best, low, high = self.method(scenes, tokens, cell), tokens, most + 1
        for _ in range(ROUNDS):
            missing = tokens - low + sum(int(_double(*pair).sum()) for pair in zip(coarse, best, strict=True))
            tried = min(low + missing, (low + high) // 2 if high <= most else most)
            if tried <= low:
                break
            found = self.method(scenes, tried, cell)
            distinct = tried - sum(int(_double(*pair).sum()) for pair in zip(coarse, found, strict=True))
            if distinct <= tokens:
                best, low = found, tried
            else:
                high = tried
        return best


def _double(coarse: Plan, fine: Plan) -> NDArray[np.bool_]:
    """Which coarse boxes the fine plan has too."""
    ours, theirs = (np.ascontiguousarray(plan.boxes).view([("", "f8")] * 4)[:, 0] for plan in (coarse, fine))
    return np.isin(ours, theirs)
