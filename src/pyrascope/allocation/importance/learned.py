"""Importance as outcomes have taught: a mixture of maps whose weights were fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..contracts.allocator import Scene
from .combine import checked_maps, checked_weights, mixture
from .frequency import BandEnergy, Information
from .importance import ImportanceMap, normalised
from .orientation import Orientation
from .saliency import Saliency
from .spectral_residual import SpectralResidual


@dataclass(frozen=True)
class Learned:
    """A mixture of maps with weights that outcomes have taught, see `learned`.

    The default has learnt from where people looked: least squares on the fixations of 15 people on 180 photographs
    (OSIE, Xu et al. 2014; `benchmarks/pictures/gaze_mixture.py`). Fitted to 90 of them it scores an NSS of
    1.26 +- 0.07 on the other 90, the best of its maps alone 1.07 +- 0.08.

    Attributes:
        maps: At least one.
        weights: One a map, not negative.
        floor: Weight of a map of all ones.
    """

    maps: tuple[ImportanceMap, ...] = (BandEnergy(), Information(), Orientation(), Saliency(), SpectralResidual())
    weights: tuple[float, ...] = (0.26, 0.17, 0.0, 0.37, 0.2)
    floor: float = 0.0

    def __post_init__(self) -> None:
        checked_maps(self.maps)
        checked_weights(self.weights, len(self.maps), self.floor)

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        return mixture(self.maps, self.weights, self.floor, scene, cell)


def learned(maps: Sequence[ImportanceMap], outcomes: Sequence[tuple[Scene, Tensor]], cell: int = 16) -> Learned:
    """Returns the mixture of maps with the weights that `fit_weights` finds for outcomes of scenes.

    Args:
        maps: 1 to 12 maps.
        outcomes: Pairs of a scene and what came out in each of its cells of `cell` px, (rows, columns).
        cell: Side of a cell in pixels.
    """
    samples = [([one(scene, cell) for one in maps], outcome) for scene, outcome in outcomes]
    weights, floor = fit_weights(samples)
    return Learned(tuple(maps), weights, floor)


def fit_weights(samples: Sequence[tuple[Sequence[Tensor], Tensor]]) -> tuple[tuple[float, ...], float]:
    """Returns the non-negative weights, and the floor, with which maps predict outcomes best, in squared error.

    Least squares over all cells of all samples, weights and floor at least 0, scaled to sum to 1: each sample's cells
    count together as 1, so that a large image counts as much as a small one. Exact and deterministic: the optimum is
    found among the sets of maps that may be in it.

    Args:
        samples: Pairs of maps (the same number everywhere, at most 12, each (rows, columns) with mean 1, see
            `normalised`) and the outcome (rows, columns), such as where people looked, where answers were, where
            fine tokens changed the answer; outcomes are normalised to mean 1.

    Returns:
        Weights, one a map, and the floor (the weight of a map of ones); all 0 but the floor, 1, where no map helps.

    Raises:
        ValueError: no samples, or maps and outcomes that do not fit.

    Example:
        >>> helps, misleads = torch.tensor([[0.0, 0.0, 3.0]]), torch.tensor([[3.0, 0.0, 0.0]])
        >>> weights, floor = fit_weights([([helps, misleads], torch.tensor([[1.0, 1.0, 7.0]]))])
        >>> [round(weight, 3) for weight in weights], round(floor, 3)
        ([0.667, 0.0], 0.333)

    Source: non-negative least squares (Lawson & Hanson 1974), here by the optimum of each support.
    """
    gram, moment = _moments(samples)
    count = len(moment)
    best, best_value = torch.zeros(count, dtype=torch.float64), 0.0
    for chosen in range(1, 1 << count):
        support = [k for k in range(count) if chosen >> k & 1]
        part = torch.linalg.lstsq(gram[support][:, support], moment[support, None], driver="gelsd").solution[:, 0]
        value = float(-part @ moment[support])  # of |A w - y|^2 - |y|^2 at the optimum of this support
        if bool((part >= 0).all()) and value < best_value - 1e-12:
            best, best_value = torch.zeros(count, dtype=torch.float64), value
            best[support] = part
    weights = (best / best.sum()).tolist() if best.sum() > 0 else [0.0] * (count - 1) + [1.0]
    return tuple(weights[:-1]), weights[-1]


def _moments(samples: Sequence[tuple[Sequence[Tensor], Tensor]]) -> tuple[Tensor, Tensor]:
    """Gram matrix (n + 1, n + 1) of the maps and a map of ones, and their products with the outcomes."""
    expected = "samples must be pairs of a list of maps (the same 1 to 12 maps each time) and an outcome of their shape"
    if not samples or not 1 <= len(samples[0][0]) <= 12:
        raise ValueError(f"{expected}, got {len(samples)} samples{f' of {len(samples[0][0])} maps' if samples else ''}")
    count = len(samples[0][0])
    gram, moment = torch.zeros(count + 1, count + 1, dtype=torch.float64), torch.zeros(count + 1, dtype=torch.float64)
    for maps, outcome in samples:
        if len(maps) != count or any(one.shape != outcome.shape for one in maps):
            raise ValueError(f"{expected}, got maps {[tuple(m.shape) for m in maps]} and {tuple(outcome.shape)}")
        rows = torch.stack([*(one.double() for one in maps), torch.ones_like(outcome, dtype=torch.float64)]).flatten(1)
        cells = rows.shape[1]
        gram += rows @ rows.T / cells
        moment += rows @ normalised(outcome).flatten() / cells
    return gram / len(samples), moment / len(samples)
