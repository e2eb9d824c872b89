"""Several methods at once: their densities of tokens, mixed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from .._check import shorten
from .._moved import names_of
from ..allocation.budgets.budget import check_budget
from ..allocation.contracts.allocator import Allocator, Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.grids.tiers import not_negative
from ..allocation.plan import Plan, grid_of
from ..allocation.tree.density import plan_density
from .foveated import Foveated
from .rate_distortion import RateDistortion


@dataclass(frozen=True)
class Mixture:
    """One partition whose tokens are as dense, at each place, as the weighted mean of the plans of several methods.

    Each method plans alone with the whole budget. A token is spread evenly over its box; the densities are added by
    weight, and the image is divided into dyadic boxes (sides at most 2:1) that hold equal shares of the sum. So a
    place that any of the methods wants gets tokens, none is shown twice, and every budget is met exactly. What else
    the plans say (their shapes, the order of boxes) is not kept. Scores are as in `plan_density`.

    Attributes:
        methods: At least one method.
        weights: How much each counts, non-negative, not all 0; None: all alike.

    Source: mixing of allocation strategies, here of their densities rather than of their boxes: the union of boxes of
    several plans would show many places twice for one budget.
    """

    site: ClassVar[Site] = PIXELS
    methods: tuple[Allocator, ...] = field(default_factory=lambda: (RateDistortion(), Foveated()))
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        given = self.methods if isinstance(self.methods, tuple | list) else ()
        if not given or any(isinstance(method, type) or not callable(method) for method in given):
            raise ValueError(f"methods must be a tuple of at least one method, got {shorten(self.methods)}")
        object.__setattr__(self, "methods", tuple(given))
        if self.weights is not None:
            object.__setattr__(self, "weights", _checked(self.weights, len(self.methods)))

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene; how many tokens a scene gets is mixed too."""
        tokens = check_budget(budget, [scene.size for scene in scenes], cell, repr(self))
        total = [torch.zeros(grid_of(scene.size, cell), dtype=torch.float64) for scene in scenes]
        for method, weight in zip(self.methods, self.weights or (1.0,) * len(self.methods), strict=True):
            if weight:
                for held, plan in zip(total, method(scenes, tokens, cell), strict=True):
                    held += weight * tokens_of_cells(plan)
        mixed = iter(total)  # scenes are judged in their order
        return plan_density(scenes, tokens, cell, repr(self), lambda scene, cell: next(mixed))


def tokens_of_cells(plan: Plan) -> Tensor:
    """Returns how many tokens each cell of an image gets, each token spread evenly over its box; sums to all tokens.

    Example:
        >>> tokens_of_cells(Plan([[0, 0, 8, 16], [0, 8, 8, 16]], [[0, 1], [0, 0]], [0, 0], (8, 16), 8, "by hand"))
        tensor([[0.5000, 1.5000]], dtype=torch.float64)
    """
    shares = []
    for axis, count in enumerate(grid_of(plan.image_size, plan.cell)):
        low, high = plan.boxes[:, axis, None], plan.boxes[:, axis + 2, None]
        edges = np.minimum(np.arange(count + 1.0) * plan.cell, plan.image_size[axis])
        inside = np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])
        shares.append(torch.from_numpy(inside.clip(min=0) / (high - low)))
    return shares[0].T @ shares[1]


def _checked(weights: Sequence[float], count: int) -> tuple[float, ...]:
    expected = f"weights must be {count} numbers >= 0, one a method, not all 0"
    numbers = weights if isinstance(weights, tuple | list) and len(weights) == count else ()
    if not all(map(not_negative, numbers)) or not any(numbers):
        raise ValueError(f"{expected}, got {shorten(weights)}")
    return tuple(map(float, numbers))


__getattr__ = names_of(__name__)
