"""A stage of training: what its batches are, what it lowers, and how fast."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..forward import encode
from .crops import crops
from .heads import Heads

Batch = dict[str, Any]
TARGETS = ("color", "shape", "tens", "units", "digit", "turn")


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: "read", "answer" or another.
        steps: How many.
        batch: Makes batch `step`, with nothing but a generator seeded by it.
        loss: Returns the loss and what is logged.
        rates: Peak rates by group: "tower" and "decoder" (Muon on matrices), "rest" (AdamW).
        warm: Steps to the peak.
        decay: Share of the steps, at the end, over which the rates fall linearly to 3 %.
    """

    name: str
    steps: int
    batch: Callable[[np.random.Generator, int], Batch]
    loss: Callable[[Any, Heads, Batch], tuple[Tensor, dict[str, float]]]
    rates: Mapping[str, float]
    warm: int = 100
    decay: float = 0.5

    def rate(self, step: int) -> float:
        """Returns the factor of all rates at a step."""
        left = (self.steps - step) / max(1, self.decay * self.steps)
        return min(1.0, (step + 1) / self.warm) * max(0.03, min(1.0, left))


def read_batch(random: np.random.Generator, step: int) -> Batch:
    """Crops: in large type for the first 500 steps."""
    patches, centers, wanted = crops(random, 48, step < 500)
    return {"patches": patches, "centers": centers, "wanted": wanted}


def read_loss(model: Any, heads: Heads, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """The dense targets alone."""
    with torch.autocast("cpu", torch.bfloat16, enabled=batch.get("bf16", True)):
        features = encode(model, batch["patches"], batch["centers"])
        loss, right = heads.dense_losses(features, batch["wanted"])
    return loss, {"loss": float(loss.detach()), **dict(zip(TARGETS, right, strict=True))}


def read(steps: int) -> Stage:
    """The first stage: the tower learns to see and to read."""
    return Stage("read", steps, read_batch, read_loss, {"tower": 0.02, "decoder": 0.02, "rest": 1e-3})
