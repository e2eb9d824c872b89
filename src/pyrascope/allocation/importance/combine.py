"""Importance maps made of others: weighted, multiplied, opposed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..._check import shorten
from ..contracts.allocator import Scene
from .importance import ImportanceMap, grid_of_ones, normalised


@dataclass(frozen=True)
class Weighted:
    """The weighted sum of maps.

    Attributes:
        maps: At least one.
        weights: One a map, not negative, not all 0; None: all the same.
        floor: Weight of a map of all ones, so that no cell counts for nothing.
    """

    maps: tuple[ImportanceMap, ...]
    weights: tuple[float, ...] | None = None
    floor: float = 0.0

    def __post_init__(self) -> None:
        checked_maps(self.maps)
        checked_weights(self._weights, len(self.maps), self.floor)

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        return mixture(self.maps, self._weights, self.floor, scene, cell)

    @property
    def _weights(self) -> tuple[float, ...]:
        return (1.0,) * len(self.maps) if self.weights is None else self.weights


@dataclass(frozen=True)
class Product:
    """The product of maps, each to a power: what all of them find matters.

    Attributes:
        maps: At least one.
        powers: One a map, not negative, not all 0; None: 1 each. Below 1 a map counts less.
    """

    maps: tuple[ImportanceMap, ...]
    powers: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        checked_maps(self.maps)
        if self.powers is not None:
            checked_weights(self.powers, len(self.maps), name="powers")

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`; all ones where no cell matters to all maps."""
        powers = (1.0,) * len(self.maps) if self.powers is None else self.powers
        # In logarithms, by the greatest, so that high powers neither overflow nor all vanish.
        logs = [power * one(scene, cell).log() for one, power in zip(self.maps, powers, strict=True) if power]
        total = torch.stack(logs).sum(0)
        peak = total.max()
        return normalised((total - peak).exp() if peak > -math.inf else torch.zeros_like(total))


@dataclass(frozen=True)
class Opponent:
    """Where one map exceeds another: what matters to the first beyond what the second explains.

    Attributes:
        first: What counts.
        second: What is taken away.
        gain: How much of the second is taken away.
    """

    first: ImportanceMap
    second: ImportanceMap
    gain: float = 1.0

    def __post_init__(self) -> None:
        checked_maps((self.first, self.second))
        checked_weights((self.gain,), 1, name="gain")

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the positive part of the difference, see `ImportanceMap`; all ones where there is none."""
        difference = self.first(scene, cell) - self.gain * self.second(scene, cell)
        return normalised(difference.clamp(min=0).where(difference > 1e-12, 0.0))


def mixture(maps: Sequence[ImportanceMap], weights: Sequence[float], floor: float, scene: Scene, cell: int) -> Tensor:
    """Returns the weighted sum of maps and of `floor` times a map of ones, normalised; weights of 0 cost nothing."""
    total = floor * grid_of_ones(scene.size, cell)
    for one, weight in zip(maps, weights, strict=True):
        if weight:
            total = total + weight * one(scene, cell)
    return normalised(total)


def checked_maps(maps: object) -> None:
    """Raises TypeError unless `maps` is a tuple of at least one callable that is not a class."""
    if not isinstance(maps, tuple) or not maps or any(not callable(one) or isinstance(one, type) for one in maps):
        raise TypeError(f"maps must be a tuple of importance maps, such as (Saliency(),), got {shorten(maps)}")


def checked_weights(weights: object, count: int, floor: float = 0.0, name: str = "weights") -> None:
    """Raises ValueError unless `weights` are `count` finite numbers, not negative, and with `floor` not all 0."""
    numbers = (*weights, floor) if isinstance(weights, tuple) and len(weights) == count else ()
    if not all(isinstance(one, int | float) and 0 <= one < math.inf for one in numbers) or not any(numbers):
        tail = f" with floor {floor!r}" if floor else ""
        raise ValueError(
            f"{name} must be a tuple of {count} finite numbers, one for each map, not negative and not all 0, "
            f"got {shorten(weights)}{tail}"
        )
