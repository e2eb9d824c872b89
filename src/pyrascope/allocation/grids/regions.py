"""Regions with a count of tokens each: how a region becomes exactly that many boxes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..plan import grid_of
from ..ties import ROUNDED

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
FITS = 1.6
"""Greatest factor by which the boxes of a regular grid may miss the wanted ratio; beyond it rows differ in count."""


def region_grid(size: tuple[int, int], cell: int, side: int) -> tuple[Floats, Index]:
    """Returns the square regions of `side` x `side` cells that cover an image, those at the border cut to whole cells.

    Returns:
        float64 (rows, columns, 4): y0, x0, y1, x1 in source pixels (the last cells may reach over the border).
        int64 (rows, columns, 2): rows and columns of cells in each region.

    Example:
        >>> regions, cells = region_grid((40, 100), 16, 4)
        >>> regions[0, 1], cells[0, 1]
        (array([  0.,  64.,  48., 112.]), array([3, 3]))
    """
    edges = [np.minimum(np.arange(-(-count // side) + 1) * side, count) for count in grid_of(size, cell)]
    corners = [np.stack(np.meshgrid(edges[0][a:b], edges[1][a:b], indexing="ij"), -1) for a, b in ((0, -1), (1, None))]
    return np.concatenate(corners, -1).astype(np.float64) * cell, (corners[1] - corners[0]).astype(np.int64)


def region_boxes(
    regions: ArrayLike,
    counts: ArrayLike,
    cell: int,
    ratio: ArrayLike = 1.0,
    most: ArrayLike | None = None,
    fits: float = FITS,
) -> tuple[Floats, Floats, Index]:
    """Divides each region into exactly its count of boxes, in rows of equal height.

    Guarantees: the boxes of a region partition it, exactly `counts` in all. Where the count is a product r * c whose
    grid has boxes of nearly the wanted shape (within `fits`), it becomes that grid: 64 -> 8x8, 144 -> 12x12,
    400 -> 20x20; 256 -> 8x32 where `ratio` is 4. Else the rows have column counts that differ by at most one.

    Args:
        regions: (m, 4) y0, x0, y1, x1 in source pixels.
        counts: (m,) boxes of each region, >= 1.
        cell: Side of a patch in pixels.
        ratio: (m,) or one for all: wanted height / width of a box. 1 is square; 4 in a square region means four times
            as many columns as rows: finer along x.
        most: (m, 2) most rows and columns of a region (its cells: then no token is finer than native), or None for
            any. No count may exceed their product.
        fits: Greatest factor by which the ratio of a regular grid's boxes may miss the wanted one, >= 1.

    Returns:
        float64 (n, 4) boxes, float64 (n, 2) levels (log2(side / cell), fractional or negative as it comes), int64 (n,)
        the region of each box; region after region, each in reading order.

    Example:
        >>> boxes, levels, of = region_boxes([[0, 0, 32, 32], [0, 32, 32, 64]], [4, 3], 16)
        >>> levels.tolist()
        [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    """
    area = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
    count = np.asarray(counts, dtype=np.int64).ravel()
    sides = area[:, 2:] - area[:, :2]
    wanted = np.sqrt(count * sides[:, 0] / (sides[:, 1] * np.asarray(ratio, dtype=np.float64).ravel()))
    rows = _rows(wanted, count, most, fits)
    line = np.repeat(np.arange(len(count)), rows)  # the region of each row of boxes
    row = np.arange(len(line)) - np.repeat(np.cumsum(rows) - rows, rows)
    columns = (row + 1) * count[line] // rows[line] - row * count[line] // rows[line]
    of, box_row, in_row = np.repeat(line, columns), np.repeat(row, columns), np.repeat(columns, columns)
    column = np.arange(len(of)) - np.repeat(np.cumsum(columns) - columns, columns)
    parts = np.stack([rows[of], in_row], 1)
    place, side = np.stack([box_row, column], 1), sides[of]
    corners = [area[of, :2] + side * (place + step) / parts for step in (0, 1)]
    return np.concatenate(corners, 1), np.log2(side / parts / cell), of


def _rows(wanted: Floats, count: Index, most: ArrayLike | None, fits: float) -> Index:
    """Number of rows of each region (m,): a divisor of its count near the wanted one, else the nearest to that."""
    low, high = np.ones_like(count), count
    if most is not None:
        limit = np.asarray(most, dtype=np.int64).reshape(-1, 2)
        low, high = -(-count // limit[:, 1]), np.minimum(count, limit[:, 0])
    first = np.clip(np.ceil(wanted / fits**0.5), low, high).astype(np.int64)
    last = np.clip(np.floor(wanted * fits**0.5), low, high).astype(np.int64)
    tries = np.minimum(first[:, None] + np.arange(max(int((last - first).max(initial=0)), 0) + 1), last[:, None])
    miss = np.where(count[:, None] % tries == 0, np.abs(np.log(tries / wanted[:, None])), np.inf)
    best = (miss <= miss.min(1, keepdims=True) + ROUNDED).argmax(1)[:, None]  # of two just as far off the first
    regular = np.take_along_axis(miss, best, 1)[:, 0] <= np.log(fits) / 2 + ROUNDED
    nearest = np.clip(np.rint(wanted), low, high).astype(np.int64)
    return np.where(regular, np.take_along_axis(tries, best, 1)[:, 0], nearest)
