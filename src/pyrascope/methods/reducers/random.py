"""Tokens at random: the baseline that knows nothing."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ..._check import whole_number
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked
from ...allocation.contracts.site import FEATURES, Site
from ...tokens.merge import chosen


@dataclass(frozen=True)
class Random:
    """Keeps tokens at random, each as likely as any other; a smaller budget keeps a subset.

    Which ones depends on nothing but the seed and the number of tokens, so tokens in another order are others.

    Attributes:
        seed: Of NumPy's PCG64 generator, >= 0.

    Source: the baseline of token pruning studies.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset()

    seed: int = 0

    def __post_init__(self) -> None:
        whole_number(self.seed, "seed", 0)

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        order = np.random.default_rng(self.seed).permutation(len(features))
        return chosen(features, torch.from_numpy(order[:budget]), known.grid)
