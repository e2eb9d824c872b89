"""Windows cut from an image and from levels that are not made whole, compiled for the CPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .sharp import halve_row_pair

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


@compiled
def cut_halved(x: Array, start: Array, axis: int, times: int, taps: Array, out: Array) -> None:
    """Cuts square windows from the level that x (c, h, w) becomes when `axis` is halved `times` times; see `windows`.

    Only what the windows show is halved. Samples lie in `fine` and `coarse` along the axis first, then channels, then
    the other axis, so that one pass serves all channels.

    Args:
        x: The level (l, l) from which halving starts.
        start: int64 (n, 2) corners in samples of the wanted level.
        axis: 0 for rows, 1 for columns.
        times: At least 1.
        taps: Six weights of a halving.
        out: (n, c, cell, cell) to fill.
    """
    channels, side = x.shape[0], out.shape[2]
    first, counts, sizes = np.empty(times + 1, np.int64), np.empty(times + 1, np.int64), np.empty(times + 1, np.int64)
    counts[0], sizes[times] = side, x.shape[1 + axis]
    for step in range(times):
        counts[step + 1] = 2 * counts[step] + 12  # a halving reads five samples before a pair and five behind
        sizes[times - step - 1] = (sizes[times - step] + 1) // 2
    fine = np.empty((counts[times], channels * side), x.dtype)
    coarse = np.empty((counts[times - 1], channels * side), x.dtype)
    for n in range(len(out)):
        first[0] = start[n, axis]
        for step in range(times):
            first[step + 1] = 2 * first[step] - 6
        other, across = start[n, 1 - axis], x.shape[2 - axis]
        for i in range(counts[times]):
            place = min(max(first[times] + i, 0), sizes[times] - 1)
            for channel in range(channels):
                target = fine[i, channel * side : (channel + 1) * side]
                for j in range(side):
                    at = min(max(other + j, 0), across - 1)
                    target[j] = x[channel, place, at] if axis == 0 else x[channel, at, place]
        for step in range(times - 1, -1, -1):
            for i in range(counts[step]):
                # beyond the border the last sample of this level is repeated
                place = min(max(first[step] + i, 0), sizes[step] - 1) - first[step]
                halve_row_pair(fine, place + 3, taps, coarse[i])
            if step:
                fine[: counts[step]] = coarse[: counts[step]]
        for channel in range(channels):
            for i in range(side):
                for j in range(side):
                    if axis == 0:
                        out[n, channel, i, j] = coarse[i, channel * side + j]
                    else:
                        out[n, channel, j, i] = coarse[i, channel * side + j]


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    image, start, out = np.zeros((1, 1, 1), np.float32), np.zeros((1, 2), np.int64), np.zeros((1, 1, 1, 1), np.float32)
    cut(image, start, out)
    cut_halved(image, start, 0, 1, np.zeros(6, np.float32), out)
