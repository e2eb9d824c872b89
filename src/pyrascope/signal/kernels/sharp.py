"""The halvings of the sharp levels compiled for the CPU, alone and with what they lose."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

Array = NDArray[Any]


@compiled
def halve_rows(x: Array, taps: Array, out: Array) -> None:
    """Halves the rows of x (h, w) to out (ceil(h / 2), w); `taps` weigh a pair from its middle outwards."""
    n, w = x.shape
    for k in range(out.shape[0]):
        o, i = out[k], 2 * k
        a, b, c = x[i], x[min(i + 1, n - 1)], taps[0]
        for j in range(w):
            o[j] = c * (a[j] + b[j])
        for t in range(1, 6):  # one pair of rows at a time: more at once are not vectorised
            a, b, c = x[max(i - t, 0)], x[min(i + 1 + t, n - 1)], taps[t]
            for j in range(w):
                o[j] += c * (a[j] + b[j])


@compiled
def lost_rows(x: Array, half: Array, cubic: Array, masses: Array, weight: Array, cell: int, sums: Array) -> None:
    """Adds what the halving of rows loses to `sums`, over boxes of 2 cell rows and cell columns.

    Args:
        x: The finer level (h, w).
        half: Its halved rows (ceil(h / 2), w).
        cubic: Weights of the samples k - 2 .. k + 1 for the first pixel of pair k; mirrored for the second.
        masses: Areas of a pixel, of one in the last row, of one in the last column, as shares: (area, last, last).
        weight: Mass of each pixel (h, w), or (0, 0) for `masses`.
        cell: Side of a patch.
        sums: float64 (boxes down, boxes across).
    """
    (n, w), m = x.shape, half.shape[0]
    a, b, c, d = cubic[0], cubic[1], cubic[2], cubic[3]
    total = np.empty(w, x.dtype)
    for row in range(sums.shape[0]):
        total[:] = 0
        for k in range(row * cell, min((row + 1) * cell, m)):
            h0, h1, h2 = half[max(k - 2, 0)], half[max(k - 1, 0)], half[k]
            h3, h4 = half[min(k + 1, m - 1)], half[min(k + 2, m - 1)]
            even, odd = x[2 * k], x[min(2 * k + 1, n - 1)]
            if weight.shape[0]:
                first, second = weight[2 * k], weight[min(2 * k + 1, n - 1)]
                there = x.dtype.type(1 if 2 * k + 1 < n else 0)
                for j in range(w):
                    e = even[j] - (a * h0[j] + b * h1[j] + c * h2[j] + d * h3[j])
                    o = odd[j] - (d * h1[j] + c * h2[j] + b * h3[j] + a * h4[j])
                    total[j] += first[j] * e * e + there * second[j] * o * o
            elif 2 * k + 2 < n:
                for j in range(w):
                    e = even[j] - (a * h0[j] + b * h1[j] + c * h2[j] + d * h3[j])
                    o = odd[j] - (d * h1[j] + c * h2[j] + b * h3[j] + a * h4[j])
                    total[j] += e * e + o * o
            else:
                first_mass = masses[1] if 2 * k == n - 1 else x.dtype.type(1)
                second_mass = masses[1] if 2 * k + 1 == n - 1 else x.dtype.type(0)
                for j in range(w):
                    e = even[j] - (a * h0[j] + b * h1[j] + c * h2[j] + d * h3[j])
                    o = odd[j] - (d * h1[j] + c * h2[j] + b * h3[j] + a * h4[j])
                    total[j] += first_mass * e * e + second_mass * o * o
        total[w - 1] *= masses[2]
        for column in range(sums.shape[1]):
            box = 0.0
            for j in range(column * cell, min((column + 1) * cell, w)):
                box += total[j]
            sums[row, column] += masses[0] * box


@compiled
def halve_columns(
    x: Array, taps: Array, cubic: Array, masses: Array, weight: Array, cell: int, out: Array, sums: Array
) -> None:
    """Halves the columns of x (h, w) to out (h, ceil(w / 2)) and adds what that loses to `sums`, unless that is empty.

    Boxes have cell rows and 2 cell columns; the other arguments are those of `halve_rows` and `lost_rows`.
    """
    (n, w), m = x.shape, out.shape[1]
    c0, c1, c2, c3, c4, c5 = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5]
    a, b, c, d = cubic[0], cubic[1], cubic[2], cubic[3]
    even, odd = np.empty(m + 6, x.dtype), np.empty(m + 6, x.dtype)  # pair k at k + 3, edges repeated
    half, total = np.empty(m + 4, x.dtype), np.zeros(m, x.dtype)  # half: sample k at k + 2
    pairs = w // 2
    for i in range(n):
        row = x[i]
        for k in range(pairs):
            even[k + 3], odd[k + 3] = row[2 * k], row[2 * k + 1]
        if w % 2:
            even[m + 2], odd[m + 2] = row[w - 1], row[w - 1]
        for t in range(3):
            even[t], odd[t], even[m + 3 + t], odd[m + 3 + t] = row[0], row[0], row[w - 1], row[w - 1]
        o = out[i]
        for k in range(m):
            near = c0 * (even[k + 3] + odd[k + 3]) + c1 * (odd[k + 2] + even[k + 4]) + c2 * (even[k + 2] + odd[k + 4])
            far = c3 * (odd[k + 1] + even[k + 5]) + c4 * (even[k + 1] + odd[k + 5]) + c5 * (odd[k] + even[k + 6])
            o[k] = near + far
        if not sums.shape[0]:
            continue
        for k in range(m):
            half[k + 2] = o[k]
        half[0], half[1], half[m + 2], half[m + 3] = o[0], o[0], o[m - 1], o[m - 1]
        if weight.shape[0]:
            mass = weight[i]
            for k in range(m):
                e = even[k + 3] - (a * half[k] + b * half[k + 1] + c * half[k + 2] + d * half[k + 3])
                total[k] += mass[2 * k] * e * e
            for k in range(pairs):
                e = odd[k + 3] - (d * half[k + 1] + c * half[k + 2] + b * half[k + 3] + a * half[k + 4])
                total[k] += mass[2 * k + 1] * e * e
        else:
            row_mass = masses[1] if i == n - 1 else x.dtype.type(1)
            k = m - 1  # the last pair apart: one of its pixels is cut by the border, or only one is there
            before = total[k]
            for k in range(m):
                e = even[k + 3] - (a * half[k] + b * half[k + 1] + c * half[k + 2] + d * half[k + 3])
                f = odd[k + 3] - (d * half[k + 1] + c * half[k + 2] + b * half[k + 3] + a * half[k + 4])
                total[k] += row_mass * (e * e + f * f)
            k = m - 1
            e = even[k + 3] - (a * half[k] + b * half[k + 1] + c * half[k + 2] + d * half[k + 3])
            f = odd[k + 3] - (d * half[k + 1] + c * half[k + 2] + b * half[k + 3] + a * half[k + 4])
            last = masses[2] * e * e if w % 2 else e * e + masses[2] * f * f
            total[k] = before + row_mass * last
        if (i + 1) % cell == 0 or i == n - 1:
            for column in range(sums.shape[1]):
                box = 0.0
                for k in range(column * cell, min((column + 1) * cell, m)):
                    box += total[k]
                sums[i // cell, column] += masses[0] * box
            total[:] = 0


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    image, taps, sums = np.zeros((2, 2), np.float32), np.zeros(6, np.float32), np.zeros((1, 1))
    halve_rows(image, taps, image[:1])
    lost_rows(image, image[:1], taps, taps, image[:0], 1, sums)
    halve_columns(image, taps, taps, taps, image[:0], 1, np.zeros((2, 1), np.float32), sums)
