"""The finest cells where it matters most, and nothing else: the second of two scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..allocation.budgets.budget import check_budget
from ..allocation.contracts.allocator import Scene
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan, grid_of, plan_of_boxes
from ..allocation.ties import ROUNDED, order_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Zoom:
    """Spends the whole budget on cells at native resolution, those of the greatest weight.

    The weight is read between its samples (bilinear, and falling to 0 beyond the border), so that a coarse map gives
    round patches of cells about its peaks; of cells that weigh the same, those nearer to where it is greatest come
    first. Without a weight that is the middle of the image. Several scenes share the budget by their weights; each gets
    a token at least. A token's score is its weight. The plan covers a part of the image only: it is made to lie over a
    coarse view, as in `CoarseToFine(Zoom())`, which shows a frozen model two scales and no more.

    Source: the crop around the place that a first look finds ("look, then zoom"). Differs from the publications in that
    it is not a rectangle but as many cells as the budget has.
    """

    site: ClassVar[Site] = PIXELS

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene, `budget` tokens in all."""
        total = check_budget(budget, [scene.size for scene in scenes], cell, repr(self))
        weights = [_on_cells(scene, cell) for scene in scenes]
        scores = np.concatenate([weight.ravel() for weight in weights])
        apart = np.concatenate([_from_peak(scene, cell).ravel() for scene in scenes])
        owner = np.repeat(np.arange(len(scenes)), [weight.size for weight in weights])
        order = np.lexsort((order_of(apart, ROUNDED), order_of(-scores, ROUNDED)))
        _, first = np.unique(owner[order], return_index=True)  # the best cell of each scene
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        rank[order[first]] = -1
        chosen = np.zeros(len(order), dtype=bool)
        chosen[np.argsort(rank, kind="stable")[:total]] = True
        return [
            _plan(scene, weight, chosen[owner == number].reshape(weight.shape), cell, repr(self))
            for number, (scene, weight) in enumerate(zip(scenes, weights, strict=True))
        ]


def _on_cells(scene: Scene, cell: int) -> Floats:
    """The weight at the centre of each cell, float64 (rows, columns)."""
    rows, columns = grid_of(scene.size, cell)
    if scene.weight is None:
        return np.ones((rows, columns))
    y, x = (
        (torch.arange(count, dtype=torch.float64) + 0.5) * cell / side * 2 - 1
        for count, side in zip((rows, columns), scene.size, strict=True)
    )
    where = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]
    weight = scene.weight.detach().to("cpu", torch.float64)[None, None]
    found: Floats = functional.grid_sample(weight, where, padding_mode="zeros", align_corners=False)[0, 0].numpy()
    return found


def _from_peak(scene: Scene, cell: int) -> Floats:
    """Squared distance in pixels of each cell from where the weight is greatest (the mean of such samples)."""
    rows, columns = grid_of(scene.size, cell)
    weight = np.ones((1, 1)) if scene.weight is None else scene.weight.detach().to("cpu", torch.float64).numpy()
    sample = np.array(scene.size) / weight.shape
    peak = (np.argwhere(weight >= weight.max() * (1 - ROUNDED)) + 0.5).mean(0) * sample
    y, x = ((np.arange(count) + 0.5) * cell - middle for count, middle in zip((rows, columns), peak, strict=True))
    found: Floats = np.square(y)[:, None] + np.square(x)
    return found


def _plan(scene: Scene, weight: Floats, chosen: NDArray[np.bool_], cell: int, method: str) -> Plan:
    row, column = np.nonzero(chosen)
    corner = np.stack([row, column], 1) * float(cell)
    levels = np.zeros((len(row), 2), np.float32)
    return plan_of_boxes(np.hstack([corner, corner + cell]), levels, weight[chosen], scene.size, cell, method)
