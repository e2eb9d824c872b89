"""The feature grid at a smaller size: the baseline to beat."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...allocation.contracts.reducer import FeatureContext, Reduction, checked
from ...allocation.contracts.site import FEATURES, Site
from ...tokens.merge import chosen
from ..never_worse import even_grid


@dataclass(frozen=True)
class Resize:
    """Averages the feature grid over near-square boxes of equal rows, exactly as many as the budget has.

    A box weighs each cell by the area that it covers of it (area resampling). Rows differ by one box where no regular
    grid has that many. `sizes` are the areas of the boxes in cells; they sum to n, and the mass is conserved.
    A box stands at the cell that its centre lies in, and
    `positions` are the centres of the boxes. Needs `grid`. The result depends on the order of the tokens.

    Source: area resampling; the boxes are those of `pyrascope.methods.NeverWorse`. It shrinks features, not the image:
    to encode a smaller image is `pyrascope.methods.Resize`.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset({"grid"})

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        if known.grid is None:
            raise ValueError("Resize needs grid, got none; give FeatureContext(grid=(rows, columns))")
        rows, columns = known.grid
        if budget == len(features):
            return chosen(features, torch.arange(budget), known.grid)
        boxes = torch.tensor(even_grid(known.grid, budget, 1).boxes, dtype=torch.float64, device=features.device)
        y0, x0, y1, x1 = boxes.T
        covered = (overlap(y0, y1, rows)[:, :, None] * overlap(x0, x1, columns)[:, None]).flatten(1)
        areas = covered.sum(1)
        means = (covered / areas[:, None]) @ features.double()
        centres = torch.stack([(y0 + y1) / 2, (x0 + x1) / 2], 1)
        corner = centres.long()  # boxes are at least a cell high and wide, so no two centres lie in one cell
        return Reduction(corner[:, 0] * columns + corner[:, 1], means.to(features.dtype), areas, centres)


def overlap(start: Tensor, stop: Tensor, cells: int) -> Tensor:
    """Returns how much of each cell an interval covers, (intervals, cells)."""
    cell = torch.arange(cells, dtype=start.dtype, device=start.device)
    return (torch.minimum(stop[:, None], cell + 1) - torch.maximum(start[:, None], cell)).clamp(min=0)
