"""Squares of two sizes: which they are, that they are the best ones, and where a weight moves them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise, photo
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.grids.levels import level_grids
from pyrascope.allocation.tree.distortion import recursive_distortion
from pyrascope.allocation.tree.solver import FEW
from pyrascope.methods import TwoLevels
from tolerances import room


def coarsest(sizes, cell, budget):
    """The finest level of which one image's whole grid fits."""
    return next(level for level, (rows, columns) in enumerate(level_grids(sizes, cell)) if rows * columns <= budget)


@settings(max_examples=60, deadline=None)
@given(h=st.integers(1, 80), w=st.integers(1, 80), share=st.floats(0, 1))
def test_only_the_grid_that_fits_and_one_octave_finer(h, w, share):
    full = -(-h // 4) * -(-w // 4)
    budget = 1 + round(share * (full - 1))
    plan = ps.plan(noise(1, h, w), budget, TwoLevels(), 4)
    level = coarsest((h, w), 4, budget)
    assert plan.is_partition
    assert plan.tokens == budget
    assert set(plan.levels.ravel()) <= {level, max(level - 1, 0)}
    halves = plan.levels[:, 0] != plan.levels[:, 1]
    assert halves.sum() <= 4, "two tokens make two pairs of halves at most"


def least(sums, grid, level, budget):
    """Least error of `budget` tokens by trying all sets of squares to split, and all ways to spend up to two more."""
    whole = list(np.ndindex(*grid))
    fine, tall, wide = sums[level - 1, level - 1], sums[level, level - 1], sums[level - 1, level]

    def inside(table, places):
        return [place for place in places if place[0] < table.shape[0] and place[1] < table.shape[1]]

    def cut(box):
        y, x = box
        found = {}

        def note(extra, tokens, error):
            found[extra, tokens] = min(found.get((extra, tokens), np.inf), error)

        quarters = inside(fine, [(2 * y + a, 2 * x + b) for a in (0, 1) for b in (0, 1)])
        note(0, len(quarters), sum(fine[q] for q in quarters))
        if len(quarters) == 1:
            return found  # would reach needlessly far over the border
        note(0, 1, sums[level, level][box])
        lying = inside(wide, [(2 * y, x), (2 * y + 1, x)])
        standing = inside(tall, [(y, 2 * x), (y, 2 * x + 1)])
        for table, halves in ((wide, lying), (tall, standing)):
            if len(halves) == 2:
                note(1, 2, sum(table[half] for half in halves))
                if len(quarters) == 4:
                    for half, other in (halves, halves[::-1]):
                        axis = 0 if table is wide else 1
                        parts = [quarter for quarter in quarters if quarter[axis] == half[axis]]
                        note(2, 3, table[other] + sum(fine[part] for part in parts))
        return found

    best = {(0, 0): 0.0}
    for box in whole:
        new = {}
        for (extra, tokens), error in best.items():
            for (more, some), lost in cut(box).items():
                key = (extra + more, tokens + some)
                if key[0] <= 2:
                    new[key] = min(new.get(key, np.inf), error + lost)
        best = new
    return min(error for (_, tokens), error in best.items() if tokens == budget)


@pytest.mark.parametrize("size", [(16, 16), (24, 24), (20, 28), (9, 30), (12, 13), (4, 24)])
def test_no_other_choice_of_squares_shows_the_image_better(size):
    image = noise(1, *size, seed=3)
    levels = [(ly, lx) for ly in range(6) for lx in range(6) if abs(ly - lx) <= 1]
    sums = recursive_distortion(image, 4, sorted(levels, key=sum), None)
    full = -(-size[0] // 4) * -(-size[1] // 4)
    for budget in range(1, full):
        plan = ps.plan(image, budget, TwoLevels(), 4)
        level = coarsest(size, 4, budget)
        place = (plan.boxes[:, :2] / (4 * 2**plan.levels)).astype(int)
        error = sum(sums[tuple(pair)][tuple(at)] for pair, at in zip(plan.levels.astype(int), place, strict=True))
        best, coarse = least(sums, level_grids(size, 4)[level], level, budget), sums[level, level].sum()
        assert error >= best - room(coarse)
        assert error <= best + room(coarse) or budget > FEW
        assert error - best <= 0.03 * (coarse - best), "the hull does not know the halves, which noise likes"


def test_the_finer_squares_are_where_the_weight_is():
    image = noise(1, 128, 128)
    for corner, other in combinations([(0, 0), (0, 1), (1, 0), (1, 1)], 2):
        fine = []
        for place in (corner, other):
            weight = np.full((2, 2), 0.01)
            weight[place] = 1
            plan = ps.plan(image, 28, TwoLevels(), 16, weight=weight)  # 16 squares and 4 of them split
            centres = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
            at = (centres // 64).astype(int)
            fine.append({tuple(p) for p in at[plan.levels.max(1) == 0]})
        assert fine == [{corner}, {other}]


def test_several_images_get_grids_that_fit_together_and_finer_squares_where_they_gain():
    calm, busy = noise(1, 64, 64) * 0.01, noise(1, 64, 64)
    plans = ps.plan([calm, busy], 14, TwoLevels(), 16)
    assert [plan.tokens for plan in plans] == [4, 10]
    assert all(set(plan.levels.ravel()) <= {0, 1} for plan in plans)


@pytest.mark.parametrize("budget", [24, 384, 1536])
def test_a_whole_grid_is_that_grid(budget):
    plan = ps.plan(photo(), budget, TwoLevels())
    assert len(np.unique(plan.levels)) == 1
    assert len({tuple(box[2:] - box[:2]) for box in plan.boxes}) == 1


def test_levels_are_found_as_rate_distortion_finds_them():
    scene, levels = Scene(photo()), [(1, 1), (1, 2), (2, 1), (2, 2)]
    mine = TwoLevels().judge(scene, 16, levels)
    chain = [(ly, lx) for ly in range(3) for lx in range(3) if abs(ly - lx) <= 1]
    other = ps.methods.RateDistortion(aspect=1).judge(scene, 16, sorted(chain, key=sum))
    for level in levels:
        np.testing.assert_array_equal(mine[level], other[level])
