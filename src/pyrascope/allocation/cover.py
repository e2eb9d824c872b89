"""Which places of an image lie in which boxes, on the grid that the edges of the boxes draw."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def _edges(boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """All y edges, all x edges, and the boxes (n, 4) as indices into them."""
    ys, y = np.unique(boxes[:, 0::2], return_inverse=True)
    xs, x = np.unique(boxes[:, 1::2], return_inverse=True)
    corners = np.empty(boxes.shape, dtype=np.int64)
    corners[:, 0::2], corners[:, 1::2] = y.reshape(-1, 2), x.reshape(-1, 2)
    return ys, xs, corners


def _rows(boxes: Boxes) -> Iterator[tuple[float, NDArray[np.float64], NDArray[np.int64]]]:
    """Sweeps the rows of the grid of edges: height, widths of the cells, how many boxes cover each."""
    ys, xs, corners = _edges(boxes)
    y0, x0, y1, x1 = corners.T
    y, sign = np.concatenate([y0, y1]), np.repeat([1, -1], len(boxes))
    order = np.argsort(y, kind="stable")
    starts, ends, sign = np.tile(x0, 2)[order], np.tile(x1, 2)[order], sign[order]
    bounds = np.searchsorted(y[order], np.arange(len(ys)))
    steps, widths = np.zeros(len(xs), dtype=np.int64), np.diff(xs)
    for height, (first, last) in zip(np.diff(ys), pairwise(bounds), strict=True):
        np.add.at(steps, starts[first:last], sign[first:last])
        np.add.at(steps, ends[first:last], -sign[first:last])
        yield float(height), widths, steps.cumsum()[:-1]


def covered_area(boxes: Boxes) -> float:
    """Returns the area of the union of the boxes (y0, x0, y1, x1); exact where the union is a rectangle.

    Example:
        >>> covered_area(np.array([[0.0, 0, 2, 2], [1, 1, 3, 3]]))
        7.0
    """
    height, width = boxes[:, 2:].max(0) - boxes[:, :2].min(0)
    holes = sum(row * widths[counts == 0].sum() for row, widths, counts in _rows(boxes))  # sums of parts round
    return float(height * width - holes)


def is_partition(boxes: Boxes, size: tuple[int, int]) -> bool:
    """Returns whether each place of an image of `size` lies in exactly one box (boxes stay within the image).

    Example:
        >>> is_partition(np.array([[0.0, 0, 2, 2], [0, 2, 2, 3]]), (2, 3))
        True
        >>> is_partition(np.array([[0.0, 0, 2, 2], [0, 1, 2, 3]]), (2, 3))
        False
    """
    whole = (0.0, 0.0, *size) == (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))
    return whole and all((counts == 1).all() for _, _, counts in _rows(boxes))


def owners(boxes: Boxes, size: tuple[int, int]) -> NDArray[np.int64]:
    """Returns for each pixel of `size` the box that its centre lies in, the smallest if several, -1 if none.

    Example:
        >>> owners(np.array([[0.0, 0, 2, 3], [0, 2, 1, 3]]), (2, 4))
        array([[ 0,  0,  1, -1],
               [ 0,  0,  0, -1]])
    """
    ys, xs, corners = _edges(boxes)
    y0, x0, y1, x1 = corners.T
    owner = np.full((len(ys) + 1, len(xs) + 1), -1, dtype=np.int64)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-areas, kind="stable")
    heights, widths = (y1 - y0)[order], (x1 - x0)[order]
    box = np.repeat(order, heights * widths)
    # running number of each covered cell within its box; later (smaller) boxes overwrite earlier ones
    within = np.arange(len(box)) - np.repeat(np.cumsum(heights * widths) - heights * widths, heights * widths)
    row, column = np.divmod(within, np.repeat(widths, heights * widths))
    owner[1 + y0[box] + row, 1 + x0[box] + column] = box
    y = np.searchsorted(ys, np.arange(size[0]) + 0.5, side="right")
    x = np.searchsorted(xs, np.arange(size[1]) + 0.5, side="right")
    return owner[np.ix_(y, x)]
