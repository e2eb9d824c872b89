"""Pairs of similar tokens become their mean."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import whole_number
from ...allocation.budgets.selection import top_k
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.ties import ROUNDED, first_of_largest
from ...tokens.merge import merged


@dataclass(frozen=True)
class ToMe:
    """Merges the most similar pairs, in steps, until the budget is met.

    In each step the tokens left are parted alternately in A and B, each of A finds the most similar of B by the cosine
    of keys (of features where no keys are known), and the most similar pairs merge into their size-weighted mean. A
    step merges at most half of the tokens. `sizes` count the tokens of each and sum to n, and the sum of sizes times
    features is that of the features. Proportional attention, log(size) added to the logits of a token, belongs into the
    blocks of the tower and is not applied here: the language model takes a merged token as one. The result depends on
    the order of the tokens.

    Attributes:
        step: Most pairs that one step merges, >= 1; None for as many as are needed, up to half of the tokens.

    Source: Bolya et al. 2023, "Token Merging: Your ViT But Faster". Differs from the publication in the site, after the
    tower instead of in each of its blocks and so without proportional attention, and in the order, which stays that of
    the image.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset()
    uses: ClassVar[frozenset[str]] = frozenset({"keys"})

    step: int | None = None

    def __post_init__(self) -> None:
        if self.step is not None:
            whole_number(self.step, "step", 1)

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        keys = (features.detach() if known.keys is None else known.keys).double()
        target = torch.arange(len(features), device=features.device)
        left = target
        while len(left) > budget:
            metric = merged(keys, target).features  # the tokens left, in rising order, as means of all they hold
            pairs = min(len(left) - budget, len(left) // 2, self.step or len(left))
            source, into = bipartite(metric, pairs)
            joins = torch.arange(len(features), device=features.device)
            joins[left[source]] = left[into]
            target = joins[target]
            left = torch.unique(target)
        return merged(features, target, known.grid)


def bipartite(metric: Tensor, pairs: int) -> tuple[Tensor, Tensor]:
    """Returns the `pairs` most similar (a, b), a among the even rows and different, b the odd row most similar to it.

    Example:
        >>> bipartite(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.1, 1.0], [1.0, 1.0]]), 1)
        (tensor([2]), tensor([1]))
    """
    unit = torch.nn.functional.normalize(metric, dim=1)
    likeness = unit[::2] @ unit[1::2].T
    picked = top_k(likeness.amax(1), pairs, ROUNDED, size=1.0)
    return 2 * picked, 2 * first_of_largest(likeness[picked], ROUNDED) + 1
