"""The checks of the features site: the tower in full, fewer of its tokens in the language model."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from ....allocation.contracts.reducer import FeatureContext, Reduction
from ....allocation.contracts.site import FEATURES, Site
from ....methods.reducers import Random
from ...features.site import reduce_inputs
from ...stock.protocols import Model, Processor
from .check import Check
from .shorter import Inputs, Shorter


@dataclass(frozen=True)
class _Counting:
    """`Random`, and how many tokens each image had."""

    site: ClassVar[Site] = FEATURES
    counts: list[int] = field(default_factory=list)

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Takes the number down."""
        self.counts.append(len(features))
        return Random()(features, budget, context)


def _reduced(model: Model, processor: Processor | None, inputs: Inputs, budget: Any) -> Inputs:
    return reduce_inputs(model, inputs, Random(), budget, processor=processor)[0]


def _counts(model: Model, processor: Processor | None, inputs: Inputs) -> list[int]:
    count = _Counting()
    reduce_inputs(model, inputs, count, 1, processor=processor)
    return count.counts


CHECKS: dict[str, Check] = Shorter(Random(), _reduced, _counts).checks()
