"""Neighbouring tokens become their mean."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...allocation.contracts.reducer import FeatureContext, Reduction, checked
from ...allocation.contracts.site import FEATURES, Site
from ...tokens.merge import merged


@dataclass(frozen=True)
class Pool:
    """Averages blocks of whole cells: bands of rows, each cut into blocks, as square as the budget allows.

    Bands differ by at most one row, and one block, from each other; the blocks of a band by at most one column. Without
    a `grid` the blocks are runs of tokens. A block stands at its first token. `sizes` sum to n, and the mass is
    conserved. The result depends on the order of the tokens.

    Source: average pooling. Differs from the usual k x k windows in meeting every count.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        target = blocks(known.grid or (1, len(features)), budget)
        return merged(features, target.to(features.device), known.grid)


def blocks(grid: tuple[int, int], count: int) -> Tensor:
    """Returns the first cell, in reading order, of the block of each cell, int64 (rows * columns,).

    Example:
        >>> blocks((2, 4), 3).reshape(2, 4)
        tensor([[0, 1, 2, 2],
                [0, 1, 2, 2]])
    """
    rows, columns = grid
    wanted = round((count * rows / columns) ** 0.5)
    bands = min(max(wanted, -(-count // columns), 1), rows, count)
    y, x = torch.arange(rows), torch.arange(columns)
    band = ((y + 1) * bands - 1) // rows
    edges = torch.arange(bands + 1) * count // bands
    parts = (edges[1:] - edges[:-1])[band][:, None]
    top = (band * rows) // bands
    part = ((x + 1) * parts - 1) // columns
    first: Tensor = top[:, None] * columns + (part * columns) // parts
    return first.flatten()
