"""The checks of the features site: the tower in full, fewer of its tokens in the language model."""

from typing import Any

from torch import Tensor

from ....allocation.contracts.reducer import FeatureContext, Reduction
from ....methods.reducers import Random
from ...features.site import reduce_inputs
from .check import Check
from .shorter import Inputs, Shorter


def _reduced(model: Any, processor: Any, inputs: Inputs, budget: Any) -> Inputs:
    return reduce_inputs(model, inputs, Random(), budget, processor=processor)[0]


def _counts(model: Any, processor: Any, inputs: Inputs) -> list[int]:
    found: list[int] = []

    def count(features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        found.append(len(features))
        return Random()(features, budget, context)

    reduce_inputs(model, inputs, count, 1, processor=processor)
    return found


CHECKS: dict[str, Check] = Shorter(Random(), _reduced, _counts).checks()
