"""The stages that made the weights, in order."""

from collections.abc import Callable

import numpy as np

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
PLAIN = {"crops": 0.1, "uniform": 0.3, "half": 0.25, "full": 0.25, "window uniform": 0.05, "window full": 0.05}
"""Uniform grids alone."""


def recipe(*, plain: bool = False, reconstruct: bool = False) -> list[Stage]:
    """Returns the stages.

    Args:
        plain: Of uniform grids alone, a stand-in for a model that never saw a plan.
        reconstruct: The first stage hides tokens and has the tower give pictures back, by the Laplacian loss too.
    """
    windows, whole, finish = (PLAIN,) * 3 if plain else (WINDOWS, WHOLE, FINISH)
    return [
        read(5199, masked_batch if reconstruct else read_batch),
        questions("windows", 598, windows, 3, {"tower": 0.01, "decoder": 0.02, "rest": 1e-3}, decay=0),
        questions("whole", 3300, whole, 6, {"tower": 0.008, "decoder": 0.015, "rest": 8e-4}, decay=0),
        questions("finish", 3700, finish, 6, {"tower": 0.008, "decoder": 0.015, "rest": 8e-4}, decay=0.85),
    ]


def read(steps: int, batch: Callable[[np.random.Generator, int], Batch] = read_batch) -> Stage:
    """The first stage: the tower learns to see and to read."""
    return Stage("read", steps, batch, read_loss, {"tower": 0.02, "decoder": 0.02, "rest": 1e-3}, decay=0)
