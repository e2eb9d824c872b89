"""The halvings of the sharp levels compiled for the CPU: rows, columns, and both in one pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

Array = NDArray[Any]


@compiled
def halve_row_pair(x: Array, k: int, taps: Array, out: Array) -> None:
    """Writes to `out` (w,) what pair `k` of the rows of x (h, w) becomes; `taps` weigh from the middle outwards."""
    n, i = x.shape[0], 2 * k
    c0, c1, c2, c3, c4, c5 = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5]
    # Six rows at a time: with all twelve at once the loop is not vectorised.
    a, b, c = x[i], x[max(i - 1, 0)], x[max(i - 2, 0)]
    d, e, f = x[min(i + 1, n - 1)], x[min(i + 2, n - 1)], x[min(i + 3, n - 1)]
    for j in range(len(out)):
        out[j] = c0 * (a[j] + d[j]) + c1 * (b[j] + e[j]) + c2 * (c[j] + f[j])
    a, b, c = x[max(i - 3, 0)], x[max(i - 4, 0)], x[max(i - 5, 0)]
    d, e, f = x[min(i + 4, n - 1)], x[min(i + 5, n - 1)], x[min(i + 6, n - 1)]
    for j in range(len(out)):
        out[j] += c3 * (a[j] + d[j]) + c4 * (b[j] + e[j]) + c5 * (c[j] + f[j])


@compiled
def halve_row(row: Array, taps: Array, even: Array, odd: Array, out: Array) -> None:
    """Writes `row` (w,) at half its length to `out`, of m samples.

    `even` and `odd` (m + 6,) are filled with the two samples of pair k at k + 3, edges repeated.
    """
    w, m = len(row), len(out)
    c0, c1, c2, c3, c4, c5 = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5]
    for k in range(w // 2):
        even[k + 3], odd[k + 3] = row[2 * k], row[2 * k + 1]
    if w % 2:
        even[m + 2], odd[m + 2] = row[w - 1], row[w - 1]
    for t in range(3):
        even[t], odd[t], even[m + 3 + t], odd[m + 3 + t] = row[0], row[0], row[w - 1], row[w - 1]
    for k in range(m):
        near = c0 * (even[k + 3] + odd[k + 3]) + c1 * (odd[k + 2] + even[k + 4]) + c2 * (even[k + 2] + odd[k + 4])
        far = c3 * (odd[k + 1] + even[k + 5]) + c4 * (even[k + 1] + odd[k + 5]) + c5 * (odd[k] + even[k + 6])
        out[k] = near + far


@compiled
def halve_rows(x: Array, taps: Array, out: Array) -> None:
    """Halves the rows of x (planes, h, w) to out (planes, ceil(h / 2), w)."""
    for plane in range(len(x)):
        for k in range(out.shape[1]):
            halve_row_pair(x[plane], k, taps, out[plane, k])


@compiled
def halve_columns(x: Array, taps: Array, out: Array) -> None:
    """Halves the columns of x (planes, h, w) to out (planes, h, ceil(w / 2))."""
    m = out.shape[2]
    even, odd = np.empty(m + 6, x.dtype), np.empty(m + 6, x.dtype)
    for plane in range(len(x)):
        for i in range(x.shape[1]):
            halve_row(x[plane, i], taps, even, odd, out[plane, i])


@compiled
def halve_both(x: Array, taps: Array, out: Array) -> None:
    """Halves rows and columns of x (planes, h, w) to `out`, without a level between them."""
    m = out.shape[2]
    even, odd, row = np.empty(m + 6, x.dtype), np.empty(m + 6, x.dtype), np.empty(x.shape[2], x.dtype)
    for plane in range(len(x)):
        for k in range(out.shape[1]):
            halve_row_pair(x[plane], k, taps, row)
            halve_row(row, taps, even, odd, out[plane, k])


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    image, taps = np.zeros((1, 2, 2), np.float32), np.zeros(6, np.float32)
    halve_rows(image, taps, image[:, :1])
    halve_columns(image, taps, np.zeros((1, 2, 1), np.float32))
    halve_both(image, taps, np.zeros((1, 1, 1), np.float32))
