"""A few strong tokens, and those that duplicate them least."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import whole_number
from ...allocation.budgets.selection import top_k
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.ties import ROUNDED
from ...tokens.merge import chosen


@dataclass(frozen=True)
class DART:
    """Keeps a few pivots, the tokens of the largest norm, and for each in turn those least similar to it.

    The norm is L1, of the keys where they are known and of the features otherwise; similarity is the cosine of the
    features. What the pivots leave of the budget is shared among them evenly, the first ones get one more. Tokens in
    another order are kept in that order (where no two are equal).

    Attributes:
        pivots: Number of pivots, >= 1; at most the budget is used.

    Source: Wen et al. 2025, "Stop Looking for Important Tokens in Multimodal Language Models: Duplication Matters
    More". Differs from the publication in the exact count, in the site (before the language model, without text
    pivots), and in that a token that two pivots want counts for the first, and the second takes its next one.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset()
    uses: ClassVar[frozenset[str]] = frozenset({"keys"})

    pivots: int = 8

    def __post_init__(self) -> None:
        whole_number(self.pivots, "pivots", 1)

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        values = features.detach().double()
        norms = (values if known.keys is None else known.keys.double()).abs().sum(1)
        pivots = top_k(norms, min(self.pivots, budget), ROUNDED)
        unit = torch.nn.functional.normalize(values, dim=1)
        apart = 1 - unit[pivots] @ unit.T
        apart[:, pivots] = -torch.inf
        share, more = divmod(budget - len(pivots), len(pivots))
        picks = [pivots]
        for row, distance in enumerate(apart):  # over the few pivots, each of which sees what is left
            taken = top_k(distance, share + (row < more), ROUNDED, size=1.0)
            apart[:, taken] = -torch.inf
            picks.append(taken)
        return chosen(features, torch.cat(picks), known.grid)
