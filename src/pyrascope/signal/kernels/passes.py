"""The compiled passes over the samples, row by row, without temporaries larger than a few rows.

The weight 6 is written 2 + 4: all products are then exact, so that the compiler's choice where to fuse a product and a
sum, which depends on what a function is inlined in, changes no bit. Results depend on no number of threads.

All in one file: Numba's cache on disk looks at the file of a function, not at those of the functions that it calls.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

Array = NDArray[Any]
BLOCK = 1 << 16  # samples of the finer level between two steps of `split`: they fit a second-level cache
CACHED = 1 << 18  # samples that stay in a second-level cache
LONG = 1 << 10  # samples of a row, of which two are read from memory side by side as fast as one

NOTHING, OTHER, ITSELF = 0, 1, 2
"""What `up` adds to: no base, another array, or what is written. As one of two that overlap, the last would be slow."""


@compiled
def down(x: Array, out: Array, known: Any, first: int, last: int) -> None:
    """Writes rows `first` to `last` of the coarser `out`, counted through all planes, from `x`.

    `x` and `out` are (planes, rows, columns), `known` comes from `operators.tables`.
    """
    row_ends, row_weights, column_ends, column_weights, taps = known
    one, two, four = taps[0], taps[1], taps[2]
    height, width = x.shape[1], x.shape[2]
    rows, columns = out.shape[1], out.shape[2]
    apart = x.size > CACHED and width < LONG
    zeros = np.zeros(width, x.dtype)
    # Samples 2j - 2 and 2j - 1 of a filtered row: strides of two would be slower. Those beyond the border stay zero.
    inner, even, odd = np.zeros(width, x.dtype), np.zeros(columns + 2, x.dtype), np.zeros(columns + 1, x.dtype)
    for index in range(first, last):
        p, k = index // rows, index % rows
        plane = x[p]
        a = plane[2 * k - 2] if k > 0 else zeros
        b = plane[2 * k - 1] if k > 0 else zeros
        c = plane[2 * k]
        d = plane[2 * k + 1] if 2 * k + 1 < height else zeros
        e = plane[2 * k + 2] if 2 * k + 2 < height else zeros
        if apart:  # one new row after the other: two short ones at once come slowly from memory
            for j in range(width):
                inner[j] = one * a[j] + two * c[j] + four * (b[j] + d[j] + c[j])
            for j in range(width):
                inner[j] += one * e[j]
        else:
            for j in range(width):
                inner[j] = one * a[j] + two * c[j] + four * (b[j] + d[j] + c[j]) + one * e[j]
        for n in range(len(row_ends)):
            if row_ends[n, 0] == k:
                weight, other = row_weights[n], plane[row_ends[n, 1]]
                for j in range(width):
                    inner[j] += weight * other[j]
        for j in range(width // 2):
            i = np.uint64(j)  # unsigned: no test for negative indices, so that the loop vectorises
            even[i + np.uint64(1)], odd[i + np.uint64(1)] = (
                inner[np.uint64(2) * i],
                inner[np.uint64(2) * i + np.uint64(1)],
            )
        if width % 2:
            even[columns] = inner[width - 1]
        row = out[p, k]
        for j in range(columns):
            i = np.uint64(j)
            outer, near, here = even[i] + even[i + np.uint64(2)], odd[i] + odd[i + np.uint64(1)], even[i + np.uint64(1)]
            row[i] = one * outer + two * here + four * (near + here)
        for n in range(len(column_ends)):
            row[column_ends[n, 0]] += column_weights[n] * inner[column_ends[n, 1]]


@compiled
def widen(row: Array, padded: Array, out: Array, known: Any) -> None:
    """Writes to `out` the coarse `row` at twice its length; `padded` is scratch with a zero at either end."""
    _, _, ends, weights, taps = known
    one, two, four = taps[0], taps[1], taps[2]
    for j in range(len(row)):
        padded[1 + j] = row[j]
    for j in range(len(out) // 2):
        i = np.uint64(j)
        left, here, right = padded[i], padded[i + np.uint64(1)], padded[i + np.uint64(2)]
        out[np.uint64(2) * i] = one * (left + right) + two * here + four * here
        out[np.uint64(2) * i + np.uint64(1)] = four * (here + right)
    if len(out) % 2:
        j = len(row) - 1
        out[2 * j] = one * (padded[j] + padded[j + 2]) + two * padded[j + 1] + four * padded[j + 1]
    for n in range(len(ends)):
        out[ends[n, 0]] += weights[n] * row[ends[n, 1]]


@compiled
def up(x: Array, base: Array, out: Array, known: Any, sign: Any, ground_is: int, first: int, last: int) -> None:
    """Writes `base` plus `sign` times the expansion of `x` to `out`; `ground_is` says what base: see `NOTHING`.

    Written are the fine rows 2k and 2k + 1 for k from `first` to `last`, counted through the rows of all planes.
    """
    row_ends, row_weights, _, _, taps = known
    one, two, four = sign * taps[0], sign * taps[1], sign * taps[2]
    rows, columns = x.shape[1], x.shape[2]
    height, width = out.shape[1], out.shape[2]
    padded = np.zeros(columns + 2, x.dtype)
    above, here, below = np.zeros(width, x.dtype), np.zeros(width, x.dtype), np.zeros(width, x.dtype)
    other = np.zeros(width, x.dtype)
    for index in range(first, last):
        p, k = index // rows, index % rows
        if k == 0 or index == first:
            above[:] = 0
            if k > 0:
                widen(x[p, k - 1], padded, above, known)
            widen(x[p, k], padded, here, known)
        if k + 1 < rows:
            widen(x[p, k + 1], padded, below, known)
        else:
            below[:] = 0
        target, ground = out[p, 2 * k], base[p, 2 * k]
        if ground_is == OTHER:
            for j in range(width):
                target[j] = ground[j] + (one * (above[j] + below[j]) + two * here[j] + four * here[j])
        elif ground_is == ITSELF:
            for j in range(width):
                target[j] += one * (above[j] + below[j]) + two * here[j] + four * here[j]
        else:
            for j in range(width):
                target[j] = one * (above[j] + below[j]) + two * here[j] + four * here[j]
        if 2 * k + 1 < height:
            target, ground = out[p, 2 * k + 1], base[p, 2 * k + 1]
            if ground_is == OTHER:
                for j in range(width):
                    target[j] = ground[j] + four * (here[j] + below[j])
            elif ground_is == ITSELF:
                for j in range(width):
                    target[j] += four * (here[j] + below[j])
            else:
                for j in range(width):
                    target[j] = four * (here[j] + below[j])
        for n in range(len(row_ends)):
            if row_ends[n, 0] // 2 == k:
                widen(x[p, row_ends[n, 1]], padded, other, known)
                target, weight = out[p, row_ends[n, 0]], sign * row_weights[n]
                for j in range(width):
                    target[j] += weight * other[j]
        above, here, below = here, below, above


@compiled
def split(x: Array, coarse: Array, band: Array, reducing: Any, expanding: Any, sign: Any) -> None:
    """Writes `coarse`, the reduction of `x`, and `band`: `x` plus `sign` times `coarse` expanded."""
    rows = coarse.shape[1]
    step = max(1, BLOCK // (2 * x.shape[2]))
    for p in range(x.shape[0]):
        start = p * rows
        # Circular borders need the last coarse row for the first fine one.
        down(x, coarse, reducing, start + rows - 1, start + rows)
        done = 0
        for k in range(0, rows, step):
            end, ahead = min(k + step, rows), min(k + step + 1, rows - 1)
            down(x, coarse, reducing, start + done, start + ahead)
            up(coarse, x, band, expanding, sign, OTHER, start + k, start + end)
            done = ahead


@compiled
def scale(x: Array, full: Any, out: Array) -> None:
    """Writes `x` divided by `full` to `out`; both flat."""
    for i in range(len(x)):
        out[i] = np.float32(x[i]) / full
