"""Plans by region: how large regions are, how a budget is shared among them, and the plan that follows."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..._check import shorten, whole_number
from ..budgets.budget import check_budget, share_out
from ..contracts.allocator import Scene
from ..importance.importance import cell_edges, on_cells
from ..plan import Plan, grid_of, plan_of_boxes
from ..ties import ROUNDED
from ..tree.distortion import box_sums
from ..tree.partition import all_finite
from .regions import FITS, region_boxes, region_grid

Floats = NDArray[np.float64]
RegionJudge = Callable[[Scene, int, int], tuple[Floats, Floats]]
"""(scene, cell, side) -> what each region of `side` cells is worth, and the wanted height / width of its boxes."""

Bounds = tuple[int | None, int | None, int | None]
"""Side of a region in cells, fewest and most tokens of a region."""

TIER = 20
"""Side of a region in cells where the method chooses its budget: at native resolution it has 400 tokens."""
FEWEST, MOST = 64, 400
"""Least and greatest number of tokens of such a region."""
FINE = 4
"""Tokens that a region should have on the average: fewer make too coarse a choice of shares, more too large regions."""


def plan_regions(
    scenes: Sequence[Scene],
    budget: int | None,
    cell: int,
    method: str,
    judge: RegionJudge,
    bounds: Bounds = (None, None, None),
    fits: float = FITS,
    counted: bool = False,
) -> list[Plan]:
    """Returns one plan a scene: each square region gets a count of tokens by its worth, and becomes a grid of boxes.

    Every region gets its minimum, the rest of the budget goes to the regions in proportion to their worth (by
    `allocate`), up to their maximum; never more than a region has cells, so that no token is finer than native. The
    plans partition their images. A token's score is its region's worth divided by its tokens.

    Args:
        scenes: At least one.
        budget: Tokens in all. None: from `FEWEST` where a region is worth nothing to `MOST` where it is worth most, in
            regions of `TIER` cells (the minimum and maximum, and region, where they are given).
        cell: Side of a patch in pixels.
        method: What rebuilds the method.
        judge: What the regions are worth, and their shape.
        bounds: Side of a region in cells; None: as small as leaves `FINE` tokens (or the minimum) a region on average.
            Fewest tokens of a region (all its cells where those are fewer); None: 1. Most; None: its cells.
        fits: As of `region_boxes`.
        counted: The worths are the counts themselves where there is no budget (all cells where those are fewer), and
            their proportions where there is one.

    Raises:
        ValueError: the bounds cannot be met; the message names the range.
    """
    sizes = [scene.size for scene in scenes]
    if budget is None:
        side, least, most = (given or usual for given, usual in zip(bounds, (TIER, FEWEST, MOST), strict=True))
    else:
        budget = check_budget(budget, sizes, cell, method)
        region, least, most = bounds[0], bounds[1] or 1, bounds[2] or 2**31
        side = region or region_side(sizes, cell, budget // max(FINE, least))
    laid = [region_grid(size, cell, side) for size in sizes]
    judged = [judge(scene, cell, side) for scene in scenes]
    worth = all_finite(np.concatenate([value.ravel() for value, _ in judged]))
    cells = np.concatenate([counts.prod(-1).ravel() for _, counts in laid])
    low, high = np.minimum(least, cells), np.minimum(most, cells)
    if budget is None and counted:
        counts = np.minimum(worth.astype(np.int64), cells)
    elif budget is None:
        full = np.concatenate([np.full(value.size, value.max() or 1.0) for value, _ in judged])
        counts = low + np.rint((high - low) * (worth / full)).astype(np.int64)
    else:
        limit = "" if bounds[2] is None else f" to {most}"
        hint = f"{len(cells)} regions of {side}x{side} cells take {least}{limit} tokens each, at most all their cells"
        whole_number(budget, "budget", int(low.sum()), int(high.sum()), hint=hint)
        if counted:
            counts = share_out(worth, budget, 1, high, ROUNDED)
        else:
            counts = low + share_out(worth, budget - int(low.sum()), 0, high - low, ROUNDED)
    plans, start = [], 0
    for (regions, shape), (_, ratio), size in zip(laid, judged, sizes, strict=True):
        mine = slice(start, start := start + len(regions.reshape(-1, 4)))
        parts = regions.reshape(-1, 4), counts[mine], cell, ratio.ravel(), shape.reshape(-1, 2)
        boxes, levels, of = region_boxes(*parts, fits)
        plans.append(plan_of_boxes(boxes, levels, (worth[mine] / counts[mine])[of], size, cell, method))
    return plans


def region_sums(scene: Scene, values: Tensor, cell: int, side: int) -> Floats:
    """Returns a map of cells, times the area in the image and the scene's weight, summed over regions of `side` cells.

    Args:
        scene: The image and its weight.
        values: (rows, columns), how much a pixel of each cell is worth.
        cell: Side of a cell in pixels.
        side: Side of a region in cells.
    """
    rows, columns = (cell_edges(pixels, cell).diff() for pixels in scene.size)
    held = values.double() * rows[:, None] * columns
    if scene.weight is not None:
        held = held * on_cells(scene.weight, scene.size, cell).cpu()
    return box_sums(held, (side, side))


def region_side(sizes: Sequence[tuple[int, int]], cell: int, regions: int) -> int:
    """Returns the smallest side, in cells, of square regions of which images of these sizes have at most `regions`."""
    grids = [grid_of(size, cell) for size in sizes]

    def fits(side: int) -> bool:
        return sum(-(-rows // side) * -(-columns // side) for rows, columns in grids) <= regions

    low, high = 0, max(map(max, grids))  # `high` fits, or there is nothing larger
    while high - low > 1:
        side = (low + high) // 2
        low, high = (low, side) if fits(side) else (side, high)
    return high


def check_region(region: object, minimum: object, maximum: object) -> None:
    """Raises where the side of regions and the bounds of their tokens are not whole numbers, or out of order."""
    if region is not None:
        whole_number(region, "region", 1)
    if minimum is not None:
        whole_number(minimum, "minimum", 1)
    if maximum is not None:
        whole_number(maximum, "maximum", 1)
    if isinstance(minimum, int) and isinstance(maximum, int) and minimum > maximum:
        raise ValueError(f"minimum must be at most maximum, got {shorten(minimum)} and {shorten(maximum)}")
    if isinstance(region, int) and isinstance(minimum, int) and minimum > region**2:
        raise ValueError(
            f"minimum must be at most {region**2}, the cells of a region of {region}x{region}, got {shorten(minimum)}"
        )
