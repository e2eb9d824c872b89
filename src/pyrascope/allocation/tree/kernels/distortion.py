"""What dyadic boxes lose, from halving to halving: the recursion over the sharp levels in one call a plane.

The halvings themselves are those of `signal.kernels.sharp`. The weights of the loops are arguments, so that the torch
path and this one have them from one place.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....signal.kernels.compiled import compiled
from ....signal.kernels.sharp import halve_row, halve_row_pair

Array = NDArray[Any]


@compiled
def opponent(image: Array, shares: Array, luminance: Array, colour: Array) -> None:
    """Turns RGB (3, h, w) to luminance (h, w) and the 2x2 means of two colour differences (2, ..), edges repeated.

    `shares` are the factors of red + green + blue, of the mean red - blue and of the mean red - 2 green + blue.
    """
    _, h, w = image.shape
    rows, columns = colour.shape[1:]
    first, second = np.empty(2 * columns, image.dtype), np.empty(2 * columns, image.dtype)
    bright, warm, tint = shares[0], shares[1], shares[2]
    for i in range(rows):
        first[:], second[:] = 0, 0
        for part in range(2):
            row = min(2 * i + part, h - 1)
            red, green, blue, light = image[0, row], image[1, row], image[2, row], luminance[row]
            for j in range(w):
                both = red[j] + blue[j]
                light[j] = bright * (both + green[j])
                second[j] += both - (green[j] + green[j])
            for j in range(w):
                first[j] += red[j] - blue[j]
        if w % 2:
            first[w], second[w] = first[w - 1], second[w - 1]
        for j in range(columns):
            colour[0, i, j] = warm * (first[2 * j] + first[2 * j + 1])
            colour[1, i, j] = tint * (second[2 * j] + second[2 * j + 1])


@compiled
def _add_boxes(total: Array, cell: int, area: float, sums: Array) -> None:
    """Adds runs of `cell` entries of `total`, times `area`, to `sums`, and empties `total`."""
    for column in range(len(sums)):
        box = 0.0
        for j in range(column * cell, min((column + 1) * cell, len(total))):
            box += total[j]
        sums[column] += area * box
    total[:] = 0


@compiled
def _lost_by_rows(x: Array, half: Array, q: int, cubic: Array, mass: Array, last: Array, total: Array) -> None:
    """Adds to `total` (w,) what pair `q` of rows of `x` differs from `half` interpolated, squared, times its mass.

    `cubic` weighs the samples q - 2 .. q + 1 for the first row of the pair, mirrored for the second. `mass` is that of
    each pixel (h, w), or (0, 0): then 1, and last[1] in the last row.
    """
    n, m, w = x.shape[0], half.shape[0], x.shape[1]
    a, b, c, d = cubic[0], cubic[1], cubic[2], cubic[3]
    h0, h1, h2, h3, h4 = (
        half[max(q - 2, 0)],
        half[max(q - 1, 0)],
        half[q],
        half[min(q + 1, m - 1)],
        half[min(q + 2, m - 1)],
    )
    even, odd = x[2 * q], x[min(2 * q + 1, n - 1)]
    there = x.dtype.type(1 if 2 * q + 1 < n else 0)
    if mass.shape[0]:
        first, second = mass[2 * q], mass[min(2 * q + 1, n - 1)]
        for j in range(w):
            e = even[j] - (a * h0[j] + b * h1[j] + c * h2[j] + d * h3[j])
            total[j] += first[j] * e * e
        for j in range(w):
            o = odd[j] - (d * h1[j] + c * h2[j] + b * h3[j] + a * h4[j])
            total[j] += there * second[j] * o * o
    elif 2 * q + 2 < n:
        for j in range(w):
            e = even[j] - (a * h0[j] + b * h1[j] + c * h2[j] + d * h3[j])
            o = odd[j] - (d * h1[j] + c * h2[j] + b * h3[j] + a * h4[j])
            total[j] += e * e + o * o
    else:
        one = x.dtype.type(1)
        first_mass, second_mass = (one, last[1]) if 2 * q + 1 < n else (last[1], there)
        for j in range(w):
            e = even[j] - (a * h0[j] + b * h1[j] + c * h2[j] + d * h3[j])
            o = odd[j] - (d * h1[j] + c * h2[j] + b * h3[j] + a * h4[j])
            total[j] += first_mass * e * e + second_mass * o * o


@compiled
def _halve_rows(
    x: Array, taps: Array, cubic: Array, mass: Array, last: Array, cell: int, half: Array, sums: Array
) -> None:
    """Halves the rows of x (h, w) to `half`; adds what that loses to `sums`, over boxes of 2 cell rows, cell columns.

    `last` holds the area of a pixel, and the share of a pixel of the last row, and of the last column, in the image.
    """
    m, w = half.shape
    total = np.zeros(w, x.dtype)
    for k in range(m + 2):
        if k < m:
            halve_row_pair(x, k, taps, half[k])
        q = k - 2  # the loss of a pair needs the two half rows below it
        if q >= 0:
            _lost_by_rows(x, half, q, cubic, mass, last, total)
            if (q + 1) % cell == 0 or q == m - 1:
                total[w - 1] *= last[2]
                _add_boxes(total, cell, last[0], sums[q // cell])


@compiled
def _halve_columns(
    x: Array, taps: Array, cubic: Array, mass: Array, last: Array, cell: int, out: Array, sums: Array
) -> None:
    """As `_halve_rows` along the other axis: boxes have cell rows and 2 cell columns."""
    (n, w), m = x.shape, out.shape[1]
    a, b, c, d = cubic[0], cubic[1], cubic[2], cubic[3]
    even, odd = np.empty(m + 6, x.dtype), np.empty(m + 6, x.dtype)  # pair k at k + 3, edges repeated
    half, total = np.empty(m + 4, x.dtype), np.zeros(m, x.dtype)  # half: sample k at k + 2
    pairs = w // 2
    for i in range(n):
        halve_row(x[i], taps, even, odd, out[i])
        half[2 : m + 2] = out[i]
        half[0], half[1], half[m + 2], half[m + 3] = out[i, 0], out[i, 0], out[i, m - 1], out[i, m - 1]
        if mass.shape[0]:
            masses = mass[i]
            for k in range(m):
                e = even[k + 3] - (a * half[k] + b * half[k + 1] + c * half[k + 2] + d * half[k + 3])
                total[k] += masses[2 * k] * e * e
            for k in range(pairs):
                f = odd[k + 3] - (d * half[k + 1] + c * half[k + 2] + b * half[k + 3] + a * half[k + 4])
                total[k] += masses[2 * k + 1] * f * f
        else:
            row_mass = last[1] if i == n - 1 else x.dtype.type(1)
            before = total[m - 1]
            for k in range(m):
                e = even[k + 3] - (a * half[k] + b * half[k + 1] + c * half[k + 2] + d * half[k + 3])
                f = odd[k + 3] - (d * half[k + 1] + c * half[k + 2] + b * half[k + 3] + a * half[k + 4])
                total[k] += row_mass * (e * e + f * f)
            k = m - 1  # the last pair apart: one of its pixels is cut by the border, or only one is there
            e = even[k + 3] - (a * half[k] + b * half[k + 1] + c * half[k + 2] + d * half[k + 3])
            f = odd[k + 3] - (d * half[k + 1] + c * half[k + 2] + b * half[k + 3] + a * half[k + 4])
            cut = last[2] * e * e if w % 2 else e * e + last[2] * f * f
            total[k] = before + row_mass * cut
        if (i + 1) % cell == 0 or i == n - 1:
            _add_boxes(total, cell, last[0], sums[i // cell])


@compiled
def _paired_rows(values: Array, out: Array) -> None:
    """Adds neighbouring rows of `values` to `out`; a last one without a partner alone."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            out[i // 2, j] += values[i, j]


@compiled
def _paired_columns(values: Array, out: Array) -> None:
    """As `_paired_rows` along the other axis."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            out[i, j // 2] += values[i, j]


@compiled
def _coarser(
    x: Array, mass: Array, axis: int, known: Any, last: Array, cell: int, finer: Array, sums: Array, work: Array
) -> Any:
    """Halves `x` along `axis`; fills `sums` with what boxes lose, that of the `finer` boxes included.

    Returns the half, which lies at the start of `work`.
    """
    taps, cubic = known
    h, w = x.shape
    rows, columns = ((h + 1) // 2, w) if axis == 0 else (h, (w + 1) // 2)
    half = work[: rows * columns].reshape(rows, columns)
    sums[:] = 0
    if axis == 0:
        _paired_rows(finer, sums)
        _halve_rows(x, taps, cubic, mass, last, cell, half, sums)
    else:
        _paired_columns(finer, sums)
        _halve_columns(x, taps, cubic, mass, last, cell, half, sums)
    return half


@compiled
def _coarser_mass(mass: Array, axis: int) -> Array:
    """The mass of the pixels of a level halved along `axis`: sums of pairs; empty if `mass` is."""
    h, w = mass.shape
    out = np.zeros(((h + 1) // 2, w) if axis == 0 else (h, (w + 1) // 2), mass.dtype)
    if axis == 0:
        _paired_rows(mass, out)
    else:
        _paired_columns(mass, out)
    return out


@compiled
def recursion(
    x: Array, mass: Array, skew: int, known: Any, lasts: Array, cell: int, where: Array, sums: Array, work: Array
) -> None:
    """Fills `sums` with the distortion of the boxes of all levels whose ly and lx differ by at most `skew`, 1 or 2.

    Level (l, l) gives (l + 1, l) and (l, l + 1); with skew 2 these give (l + 2, l) and (l, l + 2); (l, l + 1) gives
    (l + 1, l + 1).

    Args:
        x: Plane (h, w).
        mass: Weight of each of its pixels (h, w), or (0, 0) for their areas.
        skew: See above.
        known: Taps of the halving, and of the interpolation back.
        lasts: (levels, levels, 3) area of a pixel and shares in the image of one of the last row and column.
        cell: Side of a patch.
        where: (levels, levels, 3) rows and columns of boxes of a level, and where they start in `sums`.
        sums: float64, those of level (0, 0) zero.
        work: Memory for the levels in the making: `work_size` samples. (One piece, since many are slow to get.)
    """
    top, at = len(where) - 1, 0
    for level in range(top):
        rows, columns = (x.shape[0] + 1) // 2, (x.shape[1] + 1) // 2
        first = at + rows * columns  # the square level stays, the oblong ones make room for each other
        second = first + max(rows * x.shape[1], x.shape[0] * columns)
        here = _boxes(sums, where[level, level])
        down, right = _boxes(sums, where[level + 1, level]), _boxes(sums, where[level, level + 1])
        half = _coarser(x, mass, 0, known, lasts[level, level], cell, here, down, work[first:])
        if skew == 2 and level + 2 <= top:
            tall, below = _boxes(sums, where[level + 2, level]), _coarser_mass(mass, 0)
            _coarser(half, below, 0, known, lasts[level + 1, level], cell, down, tall, work[second:])
        half, below = (
            _coarser(x, mass, 1, known, lasts[level, level], cell, here, right, work[first:]),
            _coarser_mass(mass, 1),
        )
        if skew == 2 and level + 2 <= top:
            wide = _boxes(sums, where[level, level + 2])
            _coarser(half, below, 1, known, lasts[level, level + 1], cell, right, wide, work[second:])
        square = _boxes(sums, where[level + 1, level + 1])
        x = _coarser(half, below, 0, known, lasts[level, level + 1], cell, right, square, work[at:])
        mass = _coarser_mass(below, 0)
        at = first


def work_size(h: int, w: int) -> int:
    """Returns how many samples of memory `recursion` needs for a plane (h, w): those of its first step, the largest."""
    rows, columns = (h + 1) // 2, (w + 1) // 2
    oblong = max(rows * w, h * columns)
    return rows * columns + oblong + max((rows + 1) // 2 * w, h * ((columns + 1) // 2))


@compiled
def _boxes(sums: Array, place: Array) -> Any:
    """The part of `sums` that belongs to one level, as (rows, columns)."""
    rows, columns, start = place[0], place[1], place[2]
    return sums[start : start + rows * columns].reshape(rows, columns)


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    image, none, six = np.zeros((3, 2, 2), np.float32), np.zeros((0, 0), np.float32), np.zeros(6, np.float32)
    opponent(image, six, image[0], np.zeros((2, 1, 1), np.float32))
    where = np.zeros((2, 2, 3), np.int64)
    where[..., :2] = 1
    recursion(
        image[0], none, 1, (six, six), np.ones((2, 2, 3), np.float32), 2, where, np.zeros(1), np.zeros(9, np.float32)
    )
