"""How hard an image is to see in few tokens: one number in [0, 1]."""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ..._check import shorten
from ...signal.laplacian import laplacian_pyramid
from ..contracts.allocator import Scene
from ..importance.orientation import gradient
from ..importance.planes import levelled
from ..importance.query import logits

BINS = 256
EDGE = 0.05  # change per pixel, of the full range 1
NOISE_GAIN = 0.8894498683512211  # variance of the finest Laplacian band of white noise of variance 1


class Difficulty(Protocol):
    """How hard a scene is: a frozen dataclass, its fields its options."""

    def __call__(self, scene: Scene) -> float:
        """Returns a number from 0 (easy) to 1 (hard)."""
        ...


class Parts(NamedTuple):
    """The three parts of the complexity of an image, each from 0 (constant) to about 1 (white noise)."""

    energy: float
    entropy: float
    edges: float


def parts(image: Tensor) -> Parts:
    """Returns band energy, entropy and edge density of an image (c, h, w) with values in [0, 1].

    * energy: root mean square of the finest Laplacian band, over that of uniform white noise; at most 1.
    * entropy: of the values in 256 equal bins, over the most that so many pixels can have.
    * edges: share of pixels where the value changes by more than 0.05 per pixel.

    Each is the mean over the channels.
    """
    planes = levelled(image)
    band = laplacian_pyramid(planes, levels=2)[0]
    energy = band.square().mean((-2, -1)).double().sqrt() / math.sqrt(NOISE_GAIN / 12)
    y, x = gradient(planes)
    edges = (y.square() + x.square() > EDGE**2).double().mean()
    entropy = np.mean([_entropy(channel) for channel in image.detach()])
    return Parts(float(energy.clamp(max=1).mean()), float(entropy), float(edges))


def complexity(image: Tensor, weights: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> float:
    """Returns how busy an image is: 0 for a constant one, near 1 for white noise.

    The weighted mean of the three `parts`, so it never falls where one of them rises.

    Args:
        image: Floating (c, h, w), values in [0, 1].
        weights: Of energy, entropy and edges; not negative, not all 0.

    Example:
        >>> complexity(torch.full((3, 32, 32), 0.5))
        0.0
        >>> noise = torch.rand(1, 128, 128, generator=torch.Generator().manual_seed(0))
        >>> 0.95 < complexity(noise) <= 1
        True
    """
    return weighted(parts(image), weights)


def weighted(found: Parts, weights: tuple[float, float, float]) -> float:
    """Returns the weighted mean of the parts, at most 1."""
    return min(sum(w * part for w, part in zip(weights, found, strict=True)) / sum(weights), 1.0)


def attention_entropy(features: Tensor, query: Tensor, temperature: float = 1.0, block: int | None = None) -> Tensor:
    """Returns how evenly the attention of a query spreads over the cells: 0 at one cell, 1 over all alike.

    The entropy of `cross_attention`, over the logarithm of the number of cells: high where the query does not know
    where to look, so that fine tokens are needed; low where coarse ones will do.

    Args:
        features: (rows, columns, d).
        query: (d,).
        temperature: Of the softmax.
        block: None for one number for the whole; else of each square of block x block cells, attention within it.

    Returns:
        float64 in [0, 1]: () or (ceil(rows / block), ceil(columns / block)); 0 of a single cell.
    """
    found = logits(features, query, temperature)
    side = max(found.shape) if block is None else block
    rows, columns = (-(-n // side) for n in found.shape)
    missing = (0, columns * side - found.shape[1], 0, rows * side - found.shape[0])
    wide = torch.nn.functional.pad(found, missing, value=-math.inf)
    blocks = wide.reshape(rows, side, columns, side).transpose(1, 2).flatten(2)
    share = blocks.softmax(-1)
    cells = blocks.isfinite().sum(-1)
    entropy: Tensor = (-torch.special.xlogy(share, share).sum(-1) / cells.clamp(min=2).log()).clamp(0, 1)
    return entropy[0, 0] if block is None else entropy


@dataclass(frozen=True)
class Complexity:
    """How busy the image is, whatever is asked: see `complexity`.

    Attributes:
        weights: Of band energy, entropy and edge density.
    """

    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.weights) != 3 or min(self.weights) < 0 or not 0 < sum(self.weights) < math.inf:
            raise ValueError(
                f"weights must be three finite numbers, not negative, not all 0, got {shorten(self.weights)}"
            )

    def __call__(self, scene: Scene) -> float:
        """Returns the complexity of the scene's image."""
        return complexity(scene.image, self.weights)


def _entropy(channel: Tensor) -> float:
    """Entropy of the values of a plane in 256 bins over [0, 1], as a share of the most possible."""
    bins = (channel * BINS).clamp(0, BINS - 1).to(torch.uint8)
    counts = np.bincount(bins.cpu().numpy().ravel(), minlength=BINS)
    share = counts[counts > 0] / counts.sum()
    most = math.log(min(BINS, max(counts.sum(), 2)))
    return float(-(share * np.log(share)).sum() / most)
