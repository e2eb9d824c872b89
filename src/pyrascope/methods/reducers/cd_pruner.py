"""Tokens that are relevant to the text and different from one another."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import shorten
from ...allocation.budgets.selection import dpp
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked, needed
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.ties import ROUNDED, settled
from ...tokens.merge import chosen


@dataclass(frozen=True)
class CDPruner:
    """Keeps the tokens that make the determinant of relevance x similarity largest, one pick after the other.

    Needs `query`: through a model, the embedding of each text token of the prompt (embedding relevance), since most
    vision-language models have no text tower. The relevance r of a token is the mean cosine to the text features, from
    0 (the least of the image) to 1. A smaller budget keeps a subset. Tokens in another order are kept in that order
    (where no two are equal).

    Attributes:
        strength: Weight theta of relevance against diversity, in [0, 1): the kernel then is weighted by exp(alpha r),
            alpha = theta / (2 (1 - theta)). None: by r itself.
        negated: Whether relevance is the least cosine, as the authors' code has it for CLIP's patch features.

    Source: Zhang et al. 2025, "Beyond Attention or Similarity: Maximizing Conditional Diversity for Token Pruning in
    MLLMs". Differs from the publication in stopping at the rank of the kernel, after which the most relevant follow.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset({"query"})

    strength: float | None = None
    negated: bool = False

    def __post_init__(self) -> None:
        if self.strength is not None and not 0 <= self.strength < 1:
            raise ValueError(f"strength must be in [0, 1) or None, got {shorten(self.strength)}")

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        relevance = cosines(features, needed(known.query, "query", "CDPruner")).mean(1)
        relevance = unit_range(-relevance if self.negated else relevance, size=1.0)
        if self.strength is not None:
            relevance = (self.strength / (2 * (1 - self.strength)) * (relevance - 1)).exp()  # only ratios matter
        return chosen(features, dpp(features, budget, relevance), known.grid)


def cosines(features: Tensor, query: Tensor) -> Tensor:
    """Returns the cosine of each token to each text feature, float64 (n, m); 0 for a zero vector."""
    unit = torch.nn.functional.normalize(features.detach().double(), dim=1)
    return unit @ torch.nn.functional.normalize(query.double().reshape(-1, features.shape[1]), dim=1).T


def unit_range(values: Tensor, size: float = 0.0) -> Tensor:
    """Returns the values shifted and scaled to [0, 1]; all 1 where they are equal.

    Those that are equal but for rounding, of terms of `size`, come out exactly equal.
    """
    values = settled(values, ROUNDED, size)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.ones_like(values)
