"""Dominant tokens, and a few that stand for the context."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import one_of, whole_number
from ...allocation.budgets.selection import top_k
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked, needed
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.ties import ROUNDED, first_of_largest
from ...tokens.merge import chosen, group_sums, merged


@dataclass(frozen=True)
class VisionZip:
    """Keeps the tokens of most attention, and merges the others into a few evenly spaced ones of them.

    Of 64 tokens, `contextual` are merged ones: every so-manieth of the others in reading order is a target, the rest
    join the most similar one by the cosine of keys (of features where no keys are known). Needs `attention`. `sizes`
    count the tokens of each and sum to n where there is a contextual token (7 tokens or more by default);
    without one the others are dropped. The result depends on the order of the tokens.

    Attributes:
        contextual: Merged tokens in 64, from 0 to 63; smaller budgets round down.
        merge: "published": a contextual token is its target plus the mean of those that join it; "mean": the mean of
            all of them, which conserves the mass.

    Source: Yang et al. 2025, "VisionZip: Longer is Better but Not Necessary in Vision Language Models". Differs from
    the publication in the order, which is that of the image where the paper appends the contextual tokens, and in that
    the [CLS] token is neither kept nor counted.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})
    uses: ClassVar[frozenset[str]] = frozenset({"keys"})

    contextual: int = 10
    merge: str = "published"

    def __post_init__(self) -> None:
        whole_number(self.contextual, "contextual", 0, 63)
        one_of(self.merge, "merge", ("published", "mean"))

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        attention = needed(known.attention, "attention", "VisionZip")
        extra = budget * self.contextual // 64
        order = top_k(attention, len(features), ROUNDED)
        dominant, others = order[: budget - extra], order[budget - extra :].sort().values
        if not extra:
            return chosen(features, dominant, known.grid)
        spaced = others[:: len(others) // extra][:extra]
        near_by = features.detach() if known.keys is None else known.keys
        unit = torch.nn.functional.normalize(near_by.double(), dim=1)
        target = torch.arange(len(features), device=features.device)
        joining = others[~torch.isin(others, spaced)]
        target[joining] = spaced[first_of_largest(unit[joining] @ unit[spaced].T, ROUNDED)]
        left = merged(features, target, known.grid)
        if self.merge == "mean" or not len(joining):
            return left
        rows = torch.searchsorted(left.kept, target[joining])
        sums = group_sums(features[joining], rows, budget)
        mean = sums / (left.sizes - 1).clamp(min=1)[:, None]
        return replace(left, features=(features[left.kept].double() + mean).to(features.dtype))
