"""Integrals of a map over the pixels of a level, compiled for the CPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....signal.kernels.compiled import compiled

Array = NDArray[Any]


@compiled
def integrate(x: Array, rows: Any, columns: Any, out: Array) -> None:
    """Fills `out` with the sums of x over the pieces of its rows and columns, each times its share.

    `rows` and `columns` are what `resample.pieces` returns; both axes in one pass, without a map between them.
    """
    row, height, above = rows
    column, width, left = columns
    line = np.zeros(x.shape[1])
    out[:] = 0
    for p in range(len(row)):
        source, share, target = x[row[p]], height[p], out[above[p]]
        for j in range(len(line)):
            line[j] += share * source[j]
        if p + 1 == len(row) or above[p + 1] != above[p]:
            for q in range(len(column)):
                target[left[q]] += width[q] * line[column[q]]
            line[:] = 0


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    pieces = np.zeros(1, np.int64), np.ones(1), np.zeros(1, np.int64)
    integrate(np.zeros((1, 1)), pieces, pieces, np.zeros((1, 1)))
