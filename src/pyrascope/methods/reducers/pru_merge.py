"""The tokens of most attention, each with what its nearest dropped ones hold."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import whole_number
from ...allocation.budgets.selection import top_k
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked, needed
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.ties import ROUNDED
from ...tokens.merge import chosen


@dataclass(frozen=True)
class PruMerge:
    """Keeps the tokens of most attention and adds to each its nearest dropped ones, weighted by their attention.

    v_i + sum over the nearest j of a_j v_j, where a is `attention` over its sum and nearness the cosine of the keys
    (of the features where no keys are known). `sizes` are 1 + sum of a_j; as a dropped token may be near several kept
    ones or none, the mass of the image is not conserved. Tokens in another order are kept in that order (where no two
    are equal).

    Attributes:
        neighbours: Dropped tokens that each kept one takes up, >= 0; fewer where fewer are dropped.

    Source: Shang et al. 2024, "LLaVA-PruMerge: Adaptive Token Reduction for Efficient Large Multimodal Models".
    Differs from the publication in the count, which is given instead of the number of outliers by the quartiles; in
    neighbours from the dropped tokens alone, so that the full budget changes nothing; and in having no extra token for
    the rest.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})
    uses: ClassVar[frozenset[str]] = frozenset({"keys"})

    neighbours: int = 32

    def __post_init__(self) -> None:
        whole_number(self.neighbours, "neighbours", 0)

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        attention = needed(known.attention, "attention", "PruMerge")
        share = attention / attention.sum().clamp(min=torch.finfo(torch.float64).tiny)
        left = chosen(features, top_k(attention, budget, ROUNDED), known.grid)
        dropped = torch.ones(len(features), dtype=torch.bool, device=features.device)
        dropped[left.kept] = False
        others = dropped.nonzero().flatten()
        near_by = features.detach() if known.keys is None else known.keys
        unit = torch.nn.functional.normalize(near_by.double(), dim=1)
        near = top_k(unit[left.kept] @ unit[others].T, min(self.neighbours, len(others)), ROUNDED, size=1.0)
        weights = share.new_zeros(budget, len(others)).scatter(1, near, share[others][near])
        added = weights @ features[others].double()
        return replace(
            left, features=(left.features.double() + added).to(features.dtype), sizes=left.sizes + weights.sum(1)
        )
