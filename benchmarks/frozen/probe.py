"""A linear probe on the features of cells: does a cell hold what is asked (a person, a word), yes or no?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from pyrascope.evaluation.pictures.gaze import auc_judd

DECAY = 1e-3
"""Weight of the squared length of the probe's vector, of standardised features."""
STEPS = 60


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear function of features, trained by logistic regression."""

    weight: Tensor
    bias: Tensor

    def area(self, features: Tensor, region: Tensor) -> float:
        """Returns the area under the ROC curve (chance 0.5) of one image's features (rows, columns, d)."""
        return auc_judd(features @ self.weight + self.bias, region.long())


def train_probe(features: Sequence[Tensor], regions: Sequence[Tensor]) -> Probe:
    """Returns the probe for the features (rows, columns, d) of some images and their true cells (rows, columns).

    Logistic regression with L-BFGS; both answers weigh the same in all.
    """
    x = torch.cat([each.flatten(0, 1) for each in features]).double()
    y = torch.cat([each.flatten() for each in regions]).double()
    mean, spread = x.mean(0), x.std(0)
    x = (x - mean) / spread
    rare = (1 - y).sum() / y.sum()
    weight = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        found = binary_cross_entropy_with_logits(x @ weight + bias, y, pos_weight=rare) + DECAY * weight.square().sum()
        found.backward()  # type: ignore[no-untyped-call]  # torch's own
        return found

    solver.step(loss)  # type: ignore[no-untyped-call]  # torch's own
    scaled = (weight / spread).detach()
    return Probe(scaled.float(), (bias - scaled @ mean).detach().float())
