"""Tokens far from one another."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...allocation.budgets.selection import max_min
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked
from ...allocation.contracts.site import FEATURES, Site
from ...tokens.merge import chosen


@dataclass(frozen=True)
class DivPrune:
    """Keeps tokens that are far from one another by cosine distance: each pick is the farthest from those before.

    Needs nothing but the features. A smaller budget keeps a subset. Tokens in another order are kept in that order
    (where no two distances are equal).

    Source: Alvar et al. 2025, "DivPrune: Diversity-based Visual Token Pruning for Large Multimodal Models", algorithm
    1. Differs from the publication in the count, which is given and not a rounded share, and in equal distances, of
    which the first wins.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        return chosen(features, max_min(features, budget), known.grid)
