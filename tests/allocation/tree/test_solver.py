"""The solver against a tree-knapsack dynamic programme that knows nothing of its arrays."""

import math
from functools import cache, reduce

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictures import photo
from pyrascope.allocation.tree.distortion import levels_of, on_nodes, recursive_distortion
from pyrascope.allocation.tree.solver import best_cut
from pyrascope.allocation.tree.tree import split_tree, top_level
from tolerances import near, room

ASPECTS = [1, 2, 4]


def brute_force(grid, aspect, value, top=None):
    """Least distortion for 1, 2, .. tokens; `value(ly, lx, iy, ix)` is a box's distortion.

    Aspect 1: squares split in four; one square may be halved, or cut in three, or two squares halved: as the API has
    it, the one or two tokens that are left over. Returns an array indexed by tokens.
    """
    rows, columns = grid
    side = max(math.ceil(math.log2(rows)) if rows > 1 else 0, math.ceil(math.log2(columns)) if columns > 1 else 0)
    most = rows * columns
    skew = {1: 0, 2: 1, 4: 2}[aspect]

    def exists(ly, lx, iy, ix):
        return iy * 2**ly < rows and ix * 2**lx < columns

    def plus(a, b):
        out = np.full(most + 1, np.inf)
        for i in np.flatnonzero(np.isfinite(a)):
            out[i:] = np.minimum(out[i:], a[i] + b[: most + 1 - i])
        return out

    def leaf(*box):
        out = np.full(most + 1, np.inf)
        out[1] = value(*box)
        return out

    def halves(box, axis):
        ly, lx, iy, ix = box
        if axis == 0:
            return [b for b in ((ly - 1, lx, 2 * iy, ix), (ly - 1, lx, 2 * iy + 1, ix)) if exists(*b)]
        return [b for b in ((ly, lx - 1, iy, 2 * ix), (ly, lx - 1, iy, 2 * ix + 1)) if exists(*b)]

    @cache
    def binary(box):
        best, forced = leaf(*box), False
        for axis in (0, 1):
            if box[axis] and abs(box[0] - box[1] + (-1 if axis == 0 else 1)) <= skew:
                parts = halves(box, axis)
                split = binary(parts[0]) if len(parts) == 1 else plus(binary(parts[0]), binary(parts[1]))
                if len(parts) == 1:
                    best, forced = (np.minimum(best, split) if forced else split), True
                elif not forced:
                    best = np.minimum(best, split)
        return best

    @cache
    def square(box, spare):
        best = leaf(*box)
        if box[0] == 0:
            return best
        quads = [q for half in halves(box, 0) for q in halves(half, 1)]
        tables = {s: np.concatenate([[0.0], np.full(most, np.inf)]) if s == 0 else None for s in range(spare + 1)}
        for quad in quads:
            new = {}
            for used, sofar in tables.items():
                for more in range(spare + 1 - used):
                    if sofar is not None:
                        both = plus(sofar, square(quad, more))
                        key = used + more
                        new[key] = both if key not in new else np.minimum(new[key], both)
            tables = {s: new.get(s) for s in range(spare + 1)}
        quartered = tables[spare] if tables[spare] is not None else np.full(most + 1, np.inf)
        for s in range(spare):
            if tables[s] is not None:
                quartered = np.minimum(quartered, tables[s])
        if len(quads) == 1:
            return quartered
        best = np.minimum(best, quartered)
        if len(quads) == 4:
            for axis in (0, 1):
                a, b = halves(box, axis)
                if spare >= 1:
                    best = np.minimum(best, plus(leaf(*a), leaf(*b)))
                if spare >= 2:
                    for one, other in ((a, b), (b, a)):
                        c, d = halves(one, 1 - axis)
                        best = np.minimum(best, plus(plus(leaf(*c), leaf(*d)), leaf(*other)))
        return best

    if aspect == 1:
        return square((side, side, 0, 0), 2)
    top = side if top is None else top
    roots = [(top, top, iy, ix) for iy in range(-(-rows // 2**top)) for ix in range(-(-columns // 2**top))]
    return reduce(plus, map(binary, roots))


def lookup(tree, distortion):
    starts = {block.level: block for block in tree.blocks}

    def value(ly, lx, iy, ix):
        block = starts[ly, lx]
        return distortion[block.start + iy * block.columns + ix]

    return value


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("corner", [(96, 160), (0, 0), (300, 500)])
def test_gain_is_within_one_percent_of_the_optimum_on_a_photograph_and_never_above(aspect, corner):
    y, x = corner
    image = photo()[:, y : y + 150, x : x + 170]
    grid = (10, 11)
    tree = split_tree((grid,), aspect)
    distortion = on_nodes(tree, [recursive_distortion(image, 16, levels_of(tree, 0), None)])
    best = brute_force(grid, aspect, lookup(tree, distortion))
    whole = best[1]
    for budget in range(1, 111):
        cut = best_cut(tree, distortion, budget)
        gain = whole - distortion[cut.nodes].sum()
        optimum = whole - best[budget]
        assert gain <= optimum + room(whole)
        assert gain >= 0.99 * optimum - room(whole), (budget, gain, optimum)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 6), columns=st.integers(1, 6), aspect=st.sampled_from([2, 4]), seed=st.integers(0, 10**6))
def test_never_better_than_the_optimum_for_any_distortion(rows, columns, aspect, seed):
    tree = split_tree(((rows, columns),), aspect)
    distortion = np.random.default_rng(seed).random(tree.nodes) ** 3 * 3.0**tree.area
    best = brute_force((rows, columns), aspect, lookup(tree, distortion))
    for budget in range(1, rows * columns + 1):
        cut = best_cut(tree, distortion, budget)
        assert len(cut.nodes) == len(set(cut.nodes)) == budget
        assert distortion[cut.nodes].sum() >= best[budget] - room(distortion.max())


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 6), columns=st.integers(1, 6), top=st.integers(0, 2), seed=st.integers(0, 10**6))
def test_boxes_of_limited_depth_are_near_the_optimum_and_never_better(rows, columns, top, seed):
    top = min(top, top_level((rows, columns)))
    tree = split_tree(((rows, columns),), 4, (top,))
    assert max(level for block in tree.blocks for level in block.level) == top
    distortion = np.random.default_rng(seed).random(tree.nodes) * 3.0**tree.area
    best = brute_force((rows, columns), 4, lookup(tree, distortion), top)
    first = len(tree.roots)
    assert first == -(-rows // 2**top) * -(-columns // 2**top)
    assert not np.isfinite(best[:first]).any()
    for budget in range(first, rows * columns + 1):
        found, whole = (distortion[nodes].sum() for nodes in (best_cut(tree, distortion, budget).nodes, tree.roots))
        assert best[budget] - room(distortion.max()) <= found <= best[budget] + 0.01 * whole


@settings(max_examples=80, deadline=None)
@given(
    grids=st.lists(st.tuples(st.integers(1, 17), st.integers(1, 17)), min_size=1, max_size=3),
    aspect=st.sampled_from(ASPECTS),
    seed=st.integers(0, 10**6),
    flat=st.booleans(),
    depth=st.integers(1, 6),
)
def test_every_budget_is_met_by_a_partition(grids, aspect, seed, flat, depth):
    tree = split_tree(tuple(grids), aspect, tuple(min(depth - 1, top_level(grid)) for grid in grids))
    distortion = np.zeros(tree.nodes) if flat else np.random.default_rng(seed).random(tree.nodes) * 2.0**tree.area
    first = len(tree.roots)
    for budget in {first, (first + tree.capacity) // 2, tree.capacity - 1, tree.capacity}:
        if budget < first:
            continue
        cut = best_cut(tree, distortion, budget)
        assert len(cut.nodes) == budget
        covered = [np.zeros(grid, dtype=int) for grid in grids]
        for block in tree.blocks:
            inside = cut.nodes[(cut.nodes >= block.start) & (cut.nodes < block.stop)] - block.start
            for iy, ix in zip(*np.divmod(inside, block.columns), strict=True):
                sy, sx = 2 ** block.level[0], 2 ** block.level[1]
                covered[block.grid][iy * sy : (iy + 1) * sy, ix * sx : (ix + 1) * sx] += 1
        for grid in covered:
            np.testing.assert_array_equal(grid, 1)


def test_equal_gains_are_spent_in_reading_order():
    tree = split_tree(((4, 4),), 2)
    cut = best_cut(tree, np.zeros(tree.nodes), 5)
    assert sorted(tree.area[cut.nodes].tolist()) == [1, 1, 2, 2, 2]
    np.testing.assert_array_equal(cut.nodes, best_cut(tree, np.zeros(tree.nodes), 5).nodes)
    np.testing.assert_array_equal(cut.scores, 0)


def test_two_images_share_a_budget_by_what_each_gains():
    busy, calm = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)), torch.full((1, 64, 64), 0.5)
    tree = split_tree(((4, 4), (4, 4)), 4)
    sums = [recursive_distortion(image, 16, levels_of(tree, n), None) for n, image in enumerate((busy, calm))]
    cut = best_cut(tree, on_nodes(tree, sums), 17)
    grids = np.concatenate([np.full(block.stop - block.start, block.grid) for block in tree.blocks])
    assert np.bincount(grids[cut.nodes]).tolist() == [16, 1]


def test_scores_are_the_distortion_that_a_split_removed_shared_by_its_boxes():
    tree = split_tree(((1, 2),), 2)
    distortion = np.where(tree.area == 0, np.arange(tree.nodes) + 1.0, 10.0)
    cut = best_cut(tree, distortion, 2)
    np.testing.assert_array_equal(cut.nodes, [0, 1])
    near(cut.scores, [(10 - 1 - 2) / 2] * 2)
