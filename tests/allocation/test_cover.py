"""Areas and owners of boxes against a raster that visits each pixel."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.allocation import cover

HEIGHT, WIDTH = 9, 11


def raster(boxes, size, scale=1):
    """How many boxes cover each place of a grid `scale` times finer than pixels; each cell is visited."""
    counts = np.zeros((size[0] * scale, size[1] * scale), int)
    for y0, x0, y1, x1 in boxes:
        for y in range(counts.shape[0]):
            for x in range(counts.shape[1]):
                counts[y, x] += y0 * scale <= y < y1 * scale and x0 * scale <= x < x1 * scale
    return counts


def owner_of(boxes, y, x):
    """All boxes that hold the centre of the pixel and are as small as any that does; [-1] if none."""
    inside = [k for k, (y0, x0, y1, x1) in enumerate(boxes) if y0 <= y + 0.5 < y1 and x0 <= x + 0.5 < x1]
    areas = {k: (boxes[k][2] - boxes[k][0]) * (boxes[k][3] - boxes[k][1]) for k in inside}
    return [k for k in inside if areas[k] == min(areas.values())] or [-1]


def spans(most, step):
    ends = st.tuples(st.integers(0, most * step), st.integers(0, most * step)).filter(lambda ab: ab[0] != ab[1])
    return ends.map(lambda ab: (min(ab) / step, max(ab) / step))


def some_boxes(step=1):
    box = st.tuples(spans(HEIGHT, step), spans(WIDTH, step)).map(lambda yx: [yx[0][0], yx[1][0], yx[0][1], yx[1][1]])
    return st.lists(box, min_size=1, max_size=7)


@st.composite
def partitions(draw):
    """The image, cut again and again: sometimes with a box lost, doubled or shrunk."""
    boxes = [[0, 0, HEIGHT, WIDTH]]
    for _ in range(draw(st.integers(0, 6))):
        k, axis = draw(st.integers(0, len(boxes) - 1)), draw(st.integers(0, 1))
        low, high = boxes[k][axis], boxes[k][axis + 2]
        if high - low > 1:
            cut = draw(st.integers(low + 1, high - 1))
            upper = list(boxes[k])
            boxes[k][axis + 2], upper[axis] = cut, cut
            boxes.append(upper)
    fault = draw(st.sampled_from(["none", "lost", "doubled", "moved"]))
    k = draw(st.integers(0, len(boxes) - 1))
    if fault == "lost" and len(boxes) > 1:
        boxes.pop(k)
    elif fault == "doubled":
        boxes.append(list(boxes[k]))
    elif fault == "moved" and boxes[k][3] - boxes[k][1] > 1:
        boxes[k][1] += 1
    return draw(st.permutations(boxes))


@settings(max_examples=50, deadline=None)
@given(st.one_of(some_boxes(), some_boxes(step=2), partitions()))
def test_all_agree_with_the_raster(boxes):
    array, counts = np.array(boxes, np.float64), raster(boxes, (HEIGHT, WIDTH), scale=2)
    assert cover.covered_area(array) == (counts > 0).sum() / 4
    assert cover.is_partition(array, (HEIGHT, WIDTH)) == (counts == 1).all()
    found = cover.owners(array, (HEIGHT, WIDTH))
    assert found.shape == (HEIGHT, WIDTH)
    for (y, x), owner in np.ndenumerate(found):
        assert owner in owner_of(boxes, y, x), (y, x)


@settings(max_examples=30, deadline=None)
@given(partitions(), st.integers(0, 2**32 - 1))
def test_order_of_boxes_does_not_matter(boxes, seed):
    order = np.random.default_rng(seed).permutation(len(boxes))
    array = np.array(boxes, np.float64)
    assert cover.covered_area(array[order]) == cover.covered_area(array)
    assert cover.is_partition(array[order], (HEIGHT, WIDTH)) == cover.is_partition(array, (HEIGHT, WIDTH))
    areas = (array[:, 2] - array[:, 0]) * (array[:, 3] - array[:, 1])
    first, second = (cover.owners(each, (HEIGHT, WIDTH)) for each in (array, array[order]))
    assert ((first < 0) == (second < 0)).all()
    seen = first >= 0
    np.testing.assert_array_equal(areas[first[seen]], areas[order][second[seen]])  # boxes of equal area may swap


@pytest.mark.parametrize("turn", [1, -1])
def test_owners_prefer_the_smallest_of_nested_boxes(turn):
    nested = np.array([[0, 0, 6, 6], [1, 1, 5, 5], [2, 2, 4, 4]], np.float64)[::turn]
    expected = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 2]])
    expected = expected if turn == 1 else 2 - expected
    np.testing.assert_array_equal(cover.owners(nested, (6, 6))[:3, :3], expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (33, 50)])
@pytest.mark.parametrize("method", [ps.methods.RateDistortion(), ps.methods.Uniform(), ps.methods.Random()], ids=repr)
def test_plans_own_every_pixel_once(size, method):
    most = -(-size[0] // 4) * -(-size[1] // 4)
    for budget in {1, most // 2 or 1, most}:
        plan = ps.plan(noise(1, *size), budget, method, cell=4)
        owner = cover.owners(plan.boxes, size)
        np.testing.assert_array_equal(np.unique(owner), np.arange(plan.tokens))
        areas = np.bincount(owner.ravel())
        np.testing.assert_array_equal(areas, np.prod(plan.boxes[:, 2:] - plan.boxes[:, :2], axis=1))
        assert plan.is_partition
        assert plan.coverage == 1


def test_thousands_of_boxes_off_the_grid_fit_in_memory():
    """`repr(plan)` needs the coverage: time and memory must not grow with the square of the tokens."""

    corners = np.random.default_rng(0).random((1500, 2)) * 900
    boxes = np.concatenate([corners, corners + 10], axis=1)
    tracemalloc.start()
    cover.covered_area(boxes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6, f"{peak / 1e6:.0f} MB for {len(boxes)} boxes"


@given(st.integers(1, 99), st.integers(1, 99), st.lists(st.floats(0.01, 0.99), min_size=1, max_size=9, unique=True))
def test_a_whole_cover_has_the_area_of_the_image_to_the_last_bit(height, width, cuts):
    edges = [0.0, *sorted(cut * height for cut in cuts), float(height)]
    boxes = np.array([[low, 0.0, high, width] for low, high in itertools.pairwise(edges) if low < high])
    assert cover.covered_area(boxes) == height * width
