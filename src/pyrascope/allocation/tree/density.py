"""Plans from a density alone: boxes that hold equal shares of a map, whatever the picture shows."""

from collections.abc import Callable, Sequence

from torch import Tensor

from ...signal.ripmap import LevelPair
from ..contracts.allocator import Scene
from ..plan import Plan
from .distortion import BoxSums, box_sums
from .partition import budgeted_tree, cut_by

Density = Callable[[Scene, int], Tensor]
"""(scene, cell) -> float64 (rows, columns): what each cell holds, non-negative."""


def plan_density(
    scenes: Sequence[Scene], budget: int | None, cell: int, method: str, density: Density, aspect: int = 2
) -> list[Plan]:
    """Returns one plan a scene: dyadic boxes that hold shares of the density as equal as the budget allows.

    The sum of the squared shares is made least, so the number of tokens at a place follows the density there, as far
    as boxes that halve and the native resolution let it. The plans partition their images, `budget` tokens in all; of
    several images each gets tokens by what it holds. A token's score is the sum of squared shares that its split
    removed.
    """

    def judge(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
        held = density(scene, cell)
        return {(ly, lx): box_sums(held, (2**ly, 2**lx)) ** 2 for ly, lx in levels}

    tokens, tree = budgeted_tree(scenes, budget, cell, aspect, method)
    return cut_by(judge, tree, tokens, scenes, cell, method, size=0.0)
