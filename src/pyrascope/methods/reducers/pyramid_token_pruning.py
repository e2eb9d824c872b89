"""Tiles by their saliency, tokens by saliency and text."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import shorten
from ...allocation.budgets.selection import top_k_per_tile
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked, needed
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.ties import ROUNDED
from ...tokens.merge import chosen
from .cd_pruner import cosines, unit_range


@dataclass(frozen=True)
class PyramidTokenPruning:
    """Gives every tile a share of the budget by its saliency, and keeps in each the tokens that matter most.

    Needs `attention`, and `query` unless `text` is 0; `tiles` where there are several. A tile's saliency is the
    attention that its tokens receive; a token counts (1 - text) b + text c, where b is its attention and c its largest
    cosine to a text feature, each from 0 to 1 over the image. Tokens in another order, with their tiles, are kept in
    that order (where no two are equal).

    Attributes:
        text: Weight of the text in [0, 1].

    Source: "Pyramid Token Pruning for High-Resolution Large Vision-Language Models via Region, Token, and
    Instruction-Guided Importance" (2509.15704). Differs from the publication in the text score, which is the cosine of
    embeddings in place of attention in an early layer of the language model, and in quotas that sum to the budget.
    """

    site: ClassVar[Site] = FEATURES
    uses: ClassVar[frozenset[str]] = frozenset({"tiles"})

    text: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.text <= 1:
            raise ValueError(f"text must be in [0, 1], got {shorten(self.text)}")

    @property
    def needs(self) -> frozenset[str]:
        """What the context must have."""
        return frozenset({"attention", "query"} if self.text else {"attention"})

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        attention = needed(known.attention, "attention", "PyramidTokenPruning")
        scores = (1 - self.text) * unit_range(attention)
        if self.text:
            query = needed(known.query, "query", "PyramidTokenPruning with text > 0")
            scores = scores + self.text * unit_range(cosines(features, query).amax(1), size=1.0)
        tiles = known.numbers(len(features)).to(features.device)
        saliency = torch.bincount(tiles, weights=attention)
        return chosen(features, top_k_per_tile(scores, tiles, budget, saliency, ROUNDED), known.grid)
