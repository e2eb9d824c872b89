"""Windows cut from an image, compiled for the CPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

Array = NDArray[Any]


@compiled
def cut(x: Array, start: Array, out: Array) -> None:
    """Copies windows of x (c, h, w) with corners `start` (n, 2) to out (n, c, rows, columns); edges repeat."""
    channels, height, width = x.shape
    rows, columns = out.shape[2:]
    for n in range(len(out)):
        top, left = start[n, 0], start[n, 1]
        inside = left >= 0 and left + columns <= width
        for channel in range(channels):
            for i in range(rows):
                line, target = x[channel, min(max(top + i, 0), height - 1)], out[n, channel, i]
                if inside:
                    for j in range(columns):
                        target[j] = line[left + j]
                else:
                    for j in range(columns):
                        target[j] = line[min(max(left + j, 0), width - 1)]


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    cut(np.zeros((1, 1, 1), np.float32), np.zeros((1, 2), np.int64), np.zeros((1, 1, 1, 1), np.float32))
