"""Muon: momentum whose matrices are made orthogonal, for the weights inside the blocks."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that pulls all singular values towards 1."""


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """Returns the nearest semi-orthogonal matrix, roughly: singular values within 0.6 to 1.3 after five steps."""
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = (matrix.mT if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    found: Tensor = (x.mT if tall else x).float()
    return found


class Muon(torch.optim.Optimizer):
    """Keller Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).

    Args:
        params: Matrices.
        lr: Step: singular values of an update are about this, times sqrt(rows / columns) of tall matrices.
        momentum: Of the gradient's running mean, which is applied as Nesterov's.
        decay: Weight decay, times lr.
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.02, momentum: float = 0.95, decay: float = 0.01) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Updates the matrices by their gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - group["momentum"])
                update = orthogonal(weight.grad.lerp(mean, group["momentum"]))
                scale = max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["decay"]).add_(update, alpha=-group["lr"] * scale)
