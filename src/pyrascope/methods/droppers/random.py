"""Tokens at random: the baseline that knows nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ..._check import whole_number
from ...allocation.contracts.dropper import NOTHING, Kept, Stage, scheduled, shares_of
from ...allocation.contracts.site import LAYERS, Site


@dataclass(frozen=True)
class Random:
    """Keeps tokens at random, each as likely as any other.

    Which ones depends on nothing but the seed, the layer and the number of tokens that are there.

    Attributes:
        stages: As those of `Scheduled`.
        seed: Of NumPy's PCG64 generator, >= 0.

    Source: the baseline of token pruning studies.
    """

    site: ClassVar[Site] = LAYERS
    stages: Mapping[int, int | float] | tuple[tuple[int, int | float], ...] = ((2, 0.5),)
    seed: int = 0
    looks: ClassVar[str] = NOTHING

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", shares_of(self.stages, "stages"))
        whole_number(self.seed, "seed", 0)

    def schedule(self, tokens: int, layers: int, budget: int | None = None) -> list[int]:
        """Returns the visual tokens in each layer; see `Dropper.schedule`.

        Example:
            >>> Random({1: 0.5}).schedule(9, 4, budget=3)
            [9, 1, 1, 1]
        """
        return scheduled(tokens, layers, shares_of(self.stages, "stages"), budget)

    def keep(self, stage: Stage, count: int) -> Kept:
        """Returns `count` tokens, in their order."""
        order = np.random.default_rng((self.seed, stage.layer)).permutation(len(stage.visual))[:count]
        return Kept(torch.from_numpy(np.sort(order)).to(stage.visual.device))
