"""Muon: momentum whose matrices are made orthogonal, for the weights inside the blocks."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that pulls all singular values towards 1."""


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Returns the nearest semi-orthogonal matrices (n, r, c), roughly: singular values within 0.6 to 1.3."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if tall else matrices).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
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
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for shape, weights in alike.items():  # one product for all matrices of a shape
                gradients = [weight.grad for weight in weights if weight.grad is not None]
                means = [self.state[weight].setdefault("mean", torch.zeros_like(weight)) for weight in weights]
                torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
                updates = orthogonal(torch.stack(torch._foreach_lerp(gradients, means, group["momentum"]))).unbind()
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                torch._foreach_mul_(weights, 1 - group["lr"] * group["decay"])
                torch._foreach_add_(weights, updates, alpha=-group["lr"] * scale)
