"""Candidate tokens of the levels of a pyramid, and which of them to take: so many of each level, or the best of all.

The cells of level l are squares of cell * 2**l source pixels, aligned at the top left corner, and cover the image: a
coarse cell may be taken together with fine ones above it. Lists run fine to coarse, from level 0, whose cells are the
full grid, up to the level of which one cell covers the image.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..budgets.budget import allocate
from ..budgets.selection import top_k
from ..contracts.allocator import Scene
from ..importance.frequency import band_energy
from ..importance.importance import on_cells
from ..importance.query import has_query, query_map
from ..plan import Plan, grid_of, plan_of_boxes
from ..ties import ROUNDED, order_of
from ..tree.partition import all_finite
from ..tree.tree import Grid, level_grid, top_level

Index = NDArray[np.int64]
LevelScores = Sequence[NDArray[np.float64]]
"""Of one image, fine to coarse: the scores (rows, columns) of the cells of each level."""


def level_grids(size: tuple[int, int], cell: int, levels: int | None = None) -> list[Grid]:
    """Returns rows and columns of the cells of each level of an image, at most `levels` of them (None: all).

    Example:
        >>> level_grids((33, 80), 16)
        [(3, 5), (2, 3), (1, 2), (1, 1)]
    """
    grid = grid_of(size, cell)
    most = top_level(grid) + 1
    return [level_grid(grid, level) for level in range(most if levels is None else min(levels, most))]


def level_counts(shares: Sequence[float], grids: Sequence[Grid], budget: int) -> list[int]:
    """Shares a budget among levels in proportion to `shares`, no level above its cells, exactly.

    What a level cannot hold moves to the next finer one, and what the finest cannot hold goes back to the next
    coarser. A level never gets less for a larger budget.

    Args:
        shares: Non-negative, fine to coarse; those of levels that the image does not have move as above.
        grids: From `level_grids`, at most as many as shares.
        budget: From 0 to the cells of all levels.

    Example:
        >>> level_counts([40, 50, 60], [(4, 6), (2, 3), (1, 2)], 15)
        [7, 6, 2]
    """
    counts = allocate(shares, budget, minimum=0, maximum=max(budget, 1))
    cells = [rows * columns for rows, columns in grids] + [0] * (len(shares) - len(grids))
    spilled = 0
    for level in [*reversed(range(len(shares))), *range(1, len(shares))]:
        wanted = int(counts[level]) + spilled
        counts[level] = min(wanted, cells[level])
        spilled = wanted - int(counts[level])
    return [int(count) for count in counts[: len(grids)]]


def content_levels(scene: Scene, cell: int, levels: int) -> LevelScores:
    """Returns what each cell adds to the next coarser level: the energy of its Laplacian band, times the weight."""
    with torch.no_grad():
        energies = band_energy(scene.image, cell, levels, scene.weight)
    return [all_finite(energy.numpy()) for energy in energies]


def relevance_levels(scene: Scene, cell: int, levels: int) -> LevelScores:
    """Returns how much each cell of each level has to do with what is asked, else what it adds (`content_levels`).

    What is asked counts where the context has an attention map, or a query and features.
    """
    if not has_query(scene.context):
        return content_levels(scene, cell, levels)
    maps = [query_map(scene, cell * 2**level) for level in range(levels)]
    return [(asked * weight).numpy() for asked, weight in zip(maps, weight_levels(scene, cell, levels), strict=True)]


def weight_levels(scene: Scene, cell: int, levels: int) -> list[torch.Tensor]:
    """Returns the mean weight of the cells of each level, 1 where the scene has no weight."""
    weight = torch.ones(1, 1, dtype=torch.float64) if scene.weight is None else scene.weight
    return [on_cells(weight, scene.size, cell * 2**level).cpu() for level in range(levels)]


def best_of_each(scores: LevelScores, counts: Sequence[int]) -> list[Index]:
    """Returns the cells of each level with the highest scores, so many as `counts` says, as flat indices.

    Ties go to the first cell in reading order, so a larger count keeps the cells of a smaller one.
    """
    return [
        top_k(torch.from_numpy(each).flatten(), count, ROUNDED).numpy()
        for each, count in zip(scores, counts, strict=True)
    ]


def best_of_all(scenes: Sequence[LevelScores], budget: int) -> list[list[Index]]:
    """Returns the `budget` cells with the highest scores over all levels and scenes, by scene and level.

    Each scene gets its best cell, and no more tokens than level 0 has cells. Ties go to the coarser level, then to
    the first scene, then to reading order.

    Args:
        scenes: The scores of each scene.
        budget: From the number of scenes to the sum of their cells of level 0.
    """
    parts = [
        (number, level, index, score)
        for number, scores in enumerate(scenes)
        for level, each in enumerate(scores)
        for index, score in [(np.arange(each.size), each.ravel())]
    ]
    number, level = (np.repeat([part[k] for part in parts], [len(part[2]) for part in parts]) for k in (0, 1))
    index, score = (np.concatenate([part[k] for part in parts]) for k in (2, 3))
    order = np.lexsort((index, number, -level, order_of(-score, ROUNDED)))
    grouped = order[np.argsort(number[order], kind="stable")]  # by scene, the best of each first
    rank = np.empty_like(order)  # of a cell among those of its scene
    rank[grouped] = np.arange(len(order)) - np.searchsorted(number[grouped], number[grouped])
    most = np.array([scores[0].size for scores in scenes])
    order = order[(rank < most[number])[order]]
    taken = order[np.argsort(rank[order] > 0, kind="stable")[:budget]]
    return [
        [np.sort(index[taken[(number[taken] == scene) & (level[taken] == place)]]) for place in range(len(scores))]
        for scene, scores in enumerate(scenes)
    ]


def plan_of_levels(scores: LevelScores, chosen: Sequence[Index], size: tuple[int, int], cell: int, method: str) -> Plan:
    """Returns the plan of the chosen cells of each level, with their scores.

    Example:
        >>> scores = [np.ones((2, 2)), np.ones((1, 1))]
        >>> plan_of_levels(scores, [np.array([3]), np.array([0])], (24, 32), 16, "by hand").boxes
        array([[ 0.,  0., 24., 32.],
               [16., 16., 24., 32.]])
    """
    level = np.repeat(np.arange(len(chosen)), [len(index) for index in chosen])
    columns = np.array([each.shape[1] for each in scores])[level]
    place = np.stack(np.divmod(np.concatenate(chosen), columns), 1)
    side = (cell * 2.0**level)[:, None]
    boxes = np.concatenate([place * side, (place + 1) * side], 1)
    score = np.concatenate([each.ravel()[index] for each, index in zip(scores, chosen, strict=True)])
    return plan_of_boxes(boxes, np.stack([level, level], 1), score, size, cell, method)
