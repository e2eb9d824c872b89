"""Regions become exactly their counts of boxes, in the shapes that are asked for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrascope.allocation.cover import is_partition
from pyrascope.allocation.grids.regions import FITS, region_boxes, region_grid
from tolerances import near, room


def shape(count, ratio=1.0, region=(0, 0, 320, 320)):
    """Rows, and the set of column counts of its rows."""
    boxes, _, _ = region_boxes([region], [count], 16, ratio)
    _, columns = np.unique(boxes[:, 0], return_counts=True)
    return len(columns), set(columns.tolist())


@pytest.mark.parametrize(
    ("count", "ratio", "rows", "columns"),
    [(64, 1, 8, 8), (144, 1, 12, 12), (400, 1, 20, 20), (256, 4, 8, 32), (256, 1 / 4, 32, 8), (256, 1, 16, 16),
     (1, 1, 1, 1), (2, 1, 1, 2), (6, 1, 2, 3), (144, 4, 6, 24), (64, 1 / 4, 16, 4)],
)  # fmt: skip
def test_counts_become_the_grids_of_the_literature(count, ratio, rows, columns):
    assert shape(count, ratio) == (rows, {columns})


def test_a_count_without_a_fitting_grid_has_rows_that_differ_by_one():
    assert shape(7) == (3, {2, 3})
    assert shape(3) == (2, {1, 2})
    assert shape(397) == (20, {19, 20})  # a prime


def test_the_shape_of_the_region_counts():
    assert shape(32, region=(0, 0, 80, 160)) == (4, {8})
    assert shape(10, region=(0, 0, 16, 1600)) == (1, {10})
    assert shape(10, region=(0, 0, 1600, 16)) == (10, {1})


sides = st.integers(1, 40)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(sides, sides, st.integers(1, 60), st.floats(0.1, 10)), min_size=1, max_size=6))
def test_every_region_is_partitioned_into_its_count(parts):
    height, width, count, ratio = (np.array(values) for values in zip(*parts, strict=True))
    regions = np.stack([np.zeros_like(height), np.zeros_like(width), height, width], 1)
    boxes, levels, of = region_boxes(regions, count, 4, ratio)
    assert (np.bincount(of, minlength=len(parts)) == count).all()
    for number, size in enumerate(zip(height.tolist(), width.tolist(), strict=True)):
        mine = boxes[of == number]
        assert is_partition(mine, size)
        assert (np.lexsort((mine[:, 1], mine[:, 0])) == np.arange(len(mine))).all()
        _, columns = np.unique(mine[:, 0], return_counts=True)
        assert columns.max() - columns.min() <= 1
    near(boxes[:, 2:] - boxes[:, :2], 4 * 2**levels, "transform")


@settings(max_examples=200, deadline=None)
@given(sides, sides, st.integers(1, 60), st.floats(0.1, 10))
def test_rows_are_those_of_a_search_over_all_grids(height, width, count, ratio):
    boxes, _, _ = region_boxes([[0, 0, height, width]], [count], 4, ratio)
    rows = len(np.unique(boxes[:, 0]))
    misses = {r: abs(math.log((height / r) / (width / (count // r)) / ratio)) for r in range(1, count + 1)
              if count % r == 0}  # fmt: skip
    best = min(misses.values())
    if best < math.log(FITS) - room():
        assert count % rows == 0
        assert misses[rows] <= best + room()
    elif best > math.log(FITS) + room():
        assert abs(rows - min(max(math.sqrt(count * height / width / ratio), 1), count)) <= 0.5 + room(count)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 6), st.data())
def test_within_its_cells_no_token_is_finer_than_native_nor_outside(h, w, side, data):
    regions, cells = region_grid((h, w), 8, side)
    assert is_partition(np.minimum(regions.reshape(-1, 4), [h, w, h, w]), (h, w))
    assert (regions.reshape(-1, 4)[:, 2:] - regions.reshape(-1, 4)[:, :2] == 8 * cells.reshape(-1, 2)).all()
    counts = [data.draw(st.integers(1, int(most))) for most in cells.prod(-1).ravel()]
    ratio = [data.draw(st.sampled_from([0.1, 1, 7])) for _ in counts]
    boxes, levels, _ = region_boxes(regions.reshape(-1, 4), counts, 8, ratio, cells)
    assert len(boxes) == sum(counts)
    assert (levels >= 0).all()
    assert (boxes[:, :2] < [h, w]).all()
    full, levels, _ = region_boxes(regions.reshape(-1, 4), cells.prod(-1), 8, ratio[0], cells)
    assert not levels.any()
    assert (full % 8 == 0).all()
