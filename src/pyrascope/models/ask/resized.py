"""A plain resize to B tokens, which other methods are measured against and fall back to."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from ...methods import Resize
from ...methods.reducers import Resize as ResizedFeatures
from ..fewer import with_fewer_tokens
from ..host import Host
from .answer import first_entropies

T = TypeVar("T")


def by_resize(run: Callable[[Any], T]) -> T:
    """Returns what `run` makes of a resize before the tower; of one of its features, if the tower takes no other."""
    try:
        return run(Resize())
    except NotImplementedError:
        return run(ResizedFeatures())


@torch.no_grad()
def coarse_entropies(
    model: Any, inputs: Mapping[str, Any], budget: Any, *, processor: Any = None, images: Any = None
) -> Tensor:
    """Returns how unsure the answer to each prompt is when its images are resized: float64 (b,), nats.

    It is the entropy of the answer's first token. `EntropyGate` or `budgets_by_entropy` makes budgets of it:

        gate = EntropyGate.calibrated(entropies_of_a_set, (64, 128, 256), mean_budget=110)
        tokens = gate(float(coarse_entropies(model, inputs, gate.tiers[0], processor=processor)[0]))

    Args:
        model: A model of transformers that takes encoded features.
        inputs: What the processor returned, padded on the left.
        budget: Tokens of each image, at most; as `prepare`.
        processor: As `plan_inputs`.
        images: As `plan_inputs`.

    Raises:
        ImportError, TypeError, ValueError: as `plan_inputs`.
    """
    host = Host.of(model, processor)

    def smaller(method: Any) -> dict[str, Any]:
        return with_fewer_tokens(host, inputs, method, budget, images=images)[0]

    return first_entropies(model, by_resize(smaller))
