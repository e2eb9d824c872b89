"""The tokens that receive the most attention."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...allocation.budgets.selection import top_k
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked, needed
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.ties import ROUNDED
from ...tokens.merge import chosen


@dataclass(frozen=True)
class FasterVLM:
    """Keeps the tokens that receive the most attention in the vision tower; of equals the first.

    Needs `attention`: from [CLS], or received from all tokens where a tower has no [CLS]. A smaller budget keeps a
    subset. Tokens in another order are kept in that order (where no two are equal).

    Source: Zhang et al. 2024, "[CLS] Attention is All You Need for Training-Free Visual Token Pruning: Make VLM
    Inference Faster" (2412.01818). Differs from the publication in serving towers without [CLS] too.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        attention = needed(known.attention, "attention", "FasterVLM")
        return chosen(features, top_k(attention, budget, ROUNDED), known.grid)
