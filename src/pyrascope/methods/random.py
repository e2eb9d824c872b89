"""A random tree of splits: the baseline that knows nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._check import whole_number
from ..allocation.contracts.allocator import Scene, refuse_weights
from ..allocation.contracts.site import PIXELS, Site
from ..allocation.plan import Plan
from ..allocation.tree.partition import budgeted_tree, plans_of
from ..allocation.tree.solver import Cut, descend
from ..allocation.tree.tree import SplitTree


@dataclass(frozen=True)
class Random:
    """Starts from the whole image and splits a box chosen at random, along y or x at random, until the budget is met.

    The plan partitions the image; every budget from 1 to the full grid is met exactly, boxes are at most 4:1, and two
    calls give equal plans. The plan of a smaller budget is an earlier stage of the same tree. Scores are 0.

    Attributes:
        seed: Of NumPy's PCG64 generator, >= 0.

    Source: a Yule process (each box waits for an exponential time until it splits), whose next split is at a box
    chosen uniformly.
    """

    site: ClassVar[Site] = PIXELS
    seed: int = 0

    def __post_init__(self) -> None:
        whole_number(self.seed, "seed", 0)

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image; the next box to split is chosen among those of all images."""
        refuse_weights(scenes, "Random")
        tokens, tree = budgeted_tree(scenes, budget, cell, 4, repr(self))
        action = _grown(tree, tokens, np.random.default_rng(self.seed))
        nodes, scores = descend(tree, np.zeros(tree.nodes + 2), action, tree.roots, np.zeros(len(scenes)))
        return plans_of(tree, Cut(nodes, scores), scenes, cell, repr(self))


def _grown(tree: SplitTree, tokens: int, generator: np.random.Generator) -> np.ndarray:
    """The split (0 none, k split k - 1) of each node after the first splits of a Yule process have given `tokens`."""
    action = np.zeros(tree.nodes, dtype=np.int8)
    made, times = [], []
    nodes, born = tree.roots, np.zeros(len(tree.roots))
    while len(nodes):
        wish = generator.random((len(tree.splits), len(nodes)))
        price = tree.cost[:, nodes]
        option = np.where(price >= 0, wish - 10 * (price == 0), np.inf).argmin(0)
        waits = generator.exponential(size=len(nodes))
        free = tree.shrinks[nodes]
        splits = (price >= 0).any(0)
        action[nodes[splits]] = option[splits] + 1
        born = (born + np.where(free, 0.0, waits))[splits]
        made.append(nodes[splits & ~free])
        times.append(born[~free[splits]])
        children = tree.splits[option[splits], :, nodes[splits]]
        exists = children < tree.nodes
        nodes, born = children[exists], np.broadcast_to(born[:, None], children.shape)[exists]
    late = np.concatenate(made)[np.argsort(np.concatenate(times), kind="stable")[tokens - len(tree.roots) :]]
    action[late] = 0
    return action
