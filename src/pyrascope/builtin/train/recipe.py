"""The stages that made the weights, in order."""

from collections.abc import Callable

import numpy as np

from .quizzes import EVEN
from .stage import Batch, Stage, masked_batch, questions, read_batch, read_loss

WINDOWS = {"crops": 0.15, "window overlay": 0.4, "window tree": 0.25, "window uniform": 0.15, "window full": 0.05}
WHOLE = {
    "crops": 0.35, "overlay": 0.25, "tree": 0.15, "uniform": 0.08, "half": 0.05, "scattered": 0.08, "full": 0.02,
    "window overlay": 0.02,
}  # fmt: skip
"""Shares of the kinds of batches: in windows first, then whole scenes."""
FINISH = {
    "crops": 0.3, "overlay": 0.22, "tree": 0.12, "uniform": 0.06, "half": 0.06, "scattered": 0.12, "full": 0.12,
}  # fmt: skip
PANES = {"crops": 0.1, "pane": 0.5, "window uniform": 0.15, "window full": 0.25}
PLAIN = {"crops": 0.25, "uniform": 0.2, "half": 0.15, "full": 0.27, "window uniform": 0.03, "window full": 0.1}
"""Uniform grids alone: in small windows first, then whole scenes."""


def recipe(*, plain: bool = False, reconstruct: bool = False) -> list[Stage]:
    """Returns the stages.

    Args:
        plain: Of uniform grids alone, a stand-in for a model that never saw a plan.
        reconstruct: The first stage hides tokens and has the tower give pictures back, by the Laplacian loss too.
    """
    first = read(5199, masked_batch if reconstruct else read_batch)
    fast, rates = {"tower": 0.01, "decoder": 0.02, "rest": 1e-3}, {"tower": 0.008, "decoder": 0.015, "rest": 8e-4}
    if plain:
        return [
            first,
            questions("panes", 700, PANES, 3, fast, decay=0),
            questions("plain", 1400, PLAIN, 6, rates, decay=0.7),
            questions("even", 1000, PLAIN, 6, rates, decay=0.8, families=EVEN),
        ]
    return [
        first,
        questions("windows", 598, WINDOWS, 3, fast, decay=0),
        questions("whole", 3300, WHOLE, 6, rates, decay=0),
        questions("finish", 3700, FINISH, 6, rates, decay=0.85),
        questions("more", 5000, FINISH, 6, {"tower": 0.008, "decoder": 0.012, "rest": 6e-4}, decay=0.8),
    ]


def read(steps: int, batch: Callable[[np.random.Generator, int], Batch] = read_batch) -> Stage:
    """The first stage: the tower learns to see and to read."""
    return Stage("read", steps, batch, read_loss, {"tower": 0.02, "decoder": 0.02, "rest": 1e-3}, decay=0)
