"""From distortions of boxes to plans: the budget is checked, the tree is cut, the cut becomes one plan an image."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..signal.ripmap import LevelPair
from .allocator import Scene
from .budget import check_budget
from .distortion import BoxSums, levels_of, on_nodes
from .plan import Plan, grid_of, plan_of_boxes
from .solver import Cut, best_cut
from .tree import SplitTree, split_tree

Judge = Callable[[Scene, int, list[LevelPair]], BoxSums]
"""(scene, cell, level pairs) -> distortion of the boxes of each level."""


def plan_partitions(
    scenes: Sequence[Scene], budget: int | None, cell: int, aspect: int, method: str, judge: Judge
) -> list[Plan]:
    """Returns one plan a scene whose boxes partition it, `budget` tokens in all, with the least total distortion."""
    tokens, tree = budgeted_tree(scenes, budget, cell, aspect, method)
    with torch.no_grad():
        sums = [judge(scene, cell, levels_of(tree, number)) for number, scene in enumerate(scenes)]
    distortion = on_nodes(tree, sums)
    if not np.isfinite(distortion).all():
        raise ValueError(
            "image must have values whose squares are finite in its type, got larger ones; scale it to [0, 1]"
        )
    return plans_of(tree, best_cut(tree, distortion, tokens), scenes, cell, method)


def budgeted_tree(
    scenes: Sequence[Scene], budget: int | None, cell: int, aspect: int, method: str
) -> tuple[int, SplitTree]:
    """Returns the checked budget and the tree of dyadic boxes of all images."""
    tokens = check_budget(budget, [scene.size for scene in scenes], cell, method)
    return tokens, split_tree(tuple(grid_of(scene.size, cell) for scene in scenes), aspect)


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
