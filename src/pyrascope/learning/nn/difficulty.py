"""How hard an image is for a small view of it: a small network, and its recipe of training."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from ..._check import whole_number

WIDTHS = (12, 24, 32, 48)
"""Channels of the four convolutions; each halves the view."""


class DifficultyEstimator(nn.Module):
    """Predicts from a view of an image, and optionally a query, which share of what matters the view loses.

    Four convolutions of stride 2, each value of the last modulated by the query (feature-wise, "FiLM"), mean and
    maximum over the view, two linear layers. 29 000 numbers; about 1 ms for one view of 128 px on one core.

    Args:
        query: Width of a query vector, 0 for none. A query of zeros, and no query, leave the features as they are.
        generator: For the initial weights; None leaves them as `torch.manual_seed` has it.

    Source: the difficulty head that decides the token tier of adaptive encoders. Differs from the published ones in its
    labels: they are measured with a reader of text, see `benchmarks/reading/train_difficulty.py`. Modulation: Perez et
    al., "FiLM: Visual Reasoning with a General Conditioning Layer" (2018), eq. 1-2.
    """

    def __init__(self, query: int = 0, generator: Generator | None = None) -> None:
        super().__init__()
        self.query = whole_number(query, "query", 0)
        layers: list[nn.Module] = []
        for before, after in zip((1, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.modulation = nn.Linear(query, 2 * WIDTHS[-1], bias=False) if query else None
        self.head = nn.Sequential(nn.Linear(2 * WIDTHS[-1], 48), nn.ReLU(), nn.Linear(48, 1))
        self._start(generator)

    def forward(self, views: Tensor, query: Tensor | None = None) -> Tensor:
        """Returns the difficulty of each view, in [0, 1].

        Args:
            views: Grey (b, 1, h, w) in [0, 1], any size from 1x1; trained on sides up to 128 px.
            query: (b, query) or None.

        Returns:
            (b,).

        Raises:
            ValueError: views or query of another shape.

        Example:
            >>> estimator = DifficultyEstimator(query=4, generator=torch.Generator().manual_seed(0))
            >>> estimator(torch.rand(2, 1, 128, 96), torch.zeros(2, 4)).shape
            torch.Size([2])
        """
        return torch.sigmoid(self.logits(views, query))

    def logits(self, views: Tensor, query: Tensor | None = None) -> Tensor:
        """Returns what `forward` squeezes into [0, 1]: (b,), any real number."""
        if views.ndim != 4 or views.shape[1] != 1 or not views.numel():
            raise ValueError(f"views must be grey images (b, 1, h, w), got shape {tuple(views.shape)}")
        features = self.features(views - 0.5)
        if query is not None:
            features = self._modulated(features, query)
        pooled = torch.cat([features.mean((-2, -1)), features.amax((-2, -1))], 1)
        logits: Tensor = self.head(pooled)
        return logits.squeeze(1)

    def _modulated(self, features: Tensor, query: Tensor) -> Tensor:
        if self.modulation is None or query.shape != (len(features), self.query):
            raise ValueError(
                f"query must have shape ({len(features)}, {self.query}), got {tuple(query.shape)}; "
                "make the estimator for queries of this width"
            )
        factors: Tensor = self.modulation(query)
        scale, shift = torch.chunk(factors[:, :, None, None], 2, 1)
        return features * (1 + scale) + shift

    def _start(self, generator: Generator | None) -> None:
        """He initialisation; the query starts without influence."""
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d) or (isinstance(layer, nn.Linear) and layer is not self.modulation):
                    spread = math.sqrt(2 / layer.weight[0].numel())
                    layer.weight.normal_(0, spread, generator=generator)
                    if layer.bias is not None:
                        layer.bias.zero_()
            if self.modulation is not None:
                self.modulation.weight.zero_()


def train_difficulty(
    estimator: DifficultyEstimator,
    views: Tensor,
    lost: Tensor,
    generator: Generator,
    ease: Tensor | None = None,
    epochs: int = 30,
    report: Callable[[int, float], None] | None = None,
) -> None:
    """Trains an estimator in place on views (n, 1, h, w) and the share that each loses, (n,) in [0, 1].

    AdamW on the cross-entropy, one cycle of the learning rate, batches of 32, mirrored at random. With `ease` (n,), a
    curriculum: the first epoch sees the easiest third; the share grows evenly until half-way, from when on all are
    seen. Deterministic: all chance comes from `generator`.

    Args:
        estimator: Changed in place; without a query.
        views: As in `DifficultyEstimator.forward`.
        lost: Labels.
        generator: On the CPU.
        ease: How easy a view is to learn from, higher is easier, any scale; None: all are seen from the start.
        epochs: Passes over the views that are in.
        report: Called after each epoch with its number and mean loss.

    Source: Bengio et al., "Curriculum Learning" (2009).
    """
    order = None if ease is None else ease.argsort(descending=True, stable=True)
    optimizer = torch.optim.AdamW(estimator.parameters(), lr=2e-3, weight_decay=1e-2)
    for epoch in range(epochs):
        progress = epoch / max(epochs - 1, 1)
        optimizer.param_groups[0]["lr"] = 2e-3 * (0.02 + math.sin(math.pi * (0.1 + 0.9 * progress)) * 0.98)
        count = len(views) if order is None else min(len(views), math.ceil(len(views) * (1 + 4 * progress) / 3))
        chosen = torch.arange(len(views)) if order is None else order[:count]
        losses = []
        shuffled = chosen[torch.randperm(len(chosen), generator=generator)]
        for batch in torch.split(shuffled, 32):
            mirrored = torch.rand(len(batch), 1, 1, 1, generator=generator) < 0.5
            seen = torch.where(mirrored, views[batch].flip(-1), views[batch])
            loss = nn.functional.binary_cross_entropy_with_logits(estimator.logits(seen), lost[batch].to(seen))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            losses.append(float(loss.detach()))
        if report:
            report(epoch, sum(losses) / len(losses))
