"""From distortions of boxes to plans: the budget is checked, the tree is cut, the cut becomes one plan an image."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ...signal.ripmap import LevelPair
from ..budgets.budget import check_budget
from ..contracts.allocator import Scene
from ..plan import Plan, grid_of, plan_of_boxes
from ..ties import magnitude, margin_of, settled_energy
from .distortion import BoxSums, levels_of, on_nodes
from .solver import Cut, best_cut
from .tree import Grid, SplitTree, level_cells, split_tree, top_level

Judge = Callable[[Scene, int, list[LevelPair]], BoxSums]
"""(scene, cell, level pairs) -> distortion of the boxes of each level."""


class Partition(Protocol):
    """A method that cuts the tree of dyadic boxes by a distortion: its parts, for methods that wrap it."""

    @property
    def aspect(self) -> int:
        """As in `split_tree`."""
        ...

    def judge(self, scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
        """Returns the distortion of the boxes of each level."""
        ...


def plan_partitions(
    scenes: Sequence[Scene],
    budget: int | None,
    cell: int,
    aspect: int,
    method: str,
    judge: Judge,
    depths: Sequence[int] | None = None,
    octaves: int | None = None,
) -> list[Plan]:
    """Returns one plan a scene whose boxes partition it, `budget` tokens in all, with the least total distortion.

    Boxes whose distortions differ by rounding alone are equals, of which the first in reading order is split first:
    see `settled_energy`. `depths` and `octaves`: see `budgeted_tree`.
    """
    tokens, tree = budgeted_tree(scenes, budget, cell, aspect, method, depths, octaves)
    size = max(magnitude(scene.image) * _heaviest(scene) ** 0.5 for scene in scenes)
    return cut_by(judge, tree, tokens, scenes, cell, method, size)


def cut_by(
    judge: Judge, tree: SplitTree, tokens: int, scenes: Sequence[Scene], cell: int, method: str, size: float
) -> list[Plan]:
    """Returns one plan a scene from the cut of `tokens` boxes with the least total distortion.

    `size`: of the values from whose differences the distortions came, see `settled_energy`; 0: from no differences.
    """
    with torch.no_grad():
        sums = [judge(scene, cell, levels_of(tree, number)) for number, scene in enumerate(scenes)]
    distortion = _settled(tree, all_finite(on_nodes(tree, sums)), scenes, cell, size)
    return plans_of(tree, best_cut(tree, distortion, tokens), scenes, cell, method)


def _settled(
    tree: SplitTree, distortion: NDArray[np.float64], scenes: Sequence[Scene], cell: int, size: float
) -> NDArray[np.float64]:
    """The distortions of the nodes, those that are equal on paper exactly equal."""
    margin = max(margin_of(scene.image.dtype) for scene in scenes)
    pixels = np.exp2(tree.area) * (cell**2 * max(len(scene.image) for scene in scenes))
    return settled_energy(distortion, pixels, size, margin)


def _heaviest(scene: Scene) -> float:
    return 1.0 if scene.weight is None else float(scene.weight.max())


def all_finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns what was computed from an image, or raises ValueError where squares of its values overflowed."""
    if not np.isfinite(values).all():
        raise ValueError(
            "image must have values whose squares are finite in its type, got larger ones; scale it to [0, 1]"
        )
    return values


def budgeted_tree(
    scenes: Sequence[Scene],
    budget: int | None,
    cell: int,
    aspect: int,
    method: str,
    depths: Sequence[int] | None = None,
    octaves: int | None = None,
) -> tuple[int, SplitTree]:
    """Returns the checked budget and the tree of dyadic boxes of all images.

    Args:
        scenes: The images.
        budget: Not yet checked.
        cell: Side of a patch.
        aspect: As in `split_tree`.
        method: Named where the budget is refused.
        depths: For each scene, of how many levels its boxes may be (1: single cells), or None for any. A limit yields
            where the budget needs it: the scene whose largest boxes are the most is given one level more, and so on.
        octaves: How much finer than the largest boxes of its scene a box may be, at least 1: with depths of 1 there
            are always enough such boxes. None: down to single cells.
    """
    tokens = check_budget(budget, [scene.size for scene in scenes], cell, method)
    grids = tuple(grid_of(scene.size, cell) for scene in scenes)
    tops = tuple(map(top_level, grids)) if depths is None else _tops(grids, depths, tokens)
    bottoms = tuple(0 if octaves is None else max(top - octaves, 0) for top in tops)
    return tokens, split_tree(grids, aspect, tops, bottoms)


def _tops(grids: Sequence[Grid], depths: Sequence[int], tokens: int) -> tuple[int, ...]:
    """Level of the largest boxes of each grid: at most `tokens` in all, as near to depth - 1 as that allows."""
    tops = [min(depth - 1, top_level(grid)) for grid, depth in zip(grids, depths, strict=True)]
    roots = [level_cells(grid, top) for grid, top in zip(grids, tops, strict=True)]
    while sum(roots) > tokens:
        most = roots.index(max(roots))
        tops[most] += 1
        roots[most] = level_cells(grids[most], tops[most])
    return tuple(tops)


def plans_of(tree: SplitTree, cut: Cut, scenes: Sequence[Scene], cell: int, method: str) -> list[Plan]:
    """Returns the cut of the tree as one plan an image, boxes in reading order."""
    boxes, levels, grids = _geometry(tree, cut, cell)
    plans = []
    for number, scene in enumerate(scenes):
        mine = grids == number
        plans.append(plan_of_boxes(boxes[mine], levels[mine], cut.scores[mine], scene.size, cell, method))
    return plans


def _geometry(tree: SplitTree, cut: Cut, cell: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n, 4) before clipping, levels (n, 2) and image number (n,) of the nodes of a cut."""
    starts = np.array([block.start for block in tree.blocks])
    of = np.searchsorted(starts, cut.nodes, side="right") - 1
    columns = np.array([block.columns for block in tree.blocks])[of]
    levels = np.array([block.level for block in tree.blocks])[of]
    place = np.stack(np.divmod(cut.nodes - starts[of], columns), 1)
    sides = cell * 2.0**levels
    grids = np.array([block.grid for block in tree.blocks])[of]
    return np.concatenate([place * sides, (place + 1) * sides], 1), levels, grids
