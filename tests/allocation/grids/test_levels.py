"""Cells of pyramid levels: counts that add up, choices against brute force, scores with known answers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import grating, noise
from pyrascope.allocation.grids.levels import (
    best_of_all,
    best_of_each,
    content_levels,
    level_counts,
    level_grids,
    relevance_levels,
)
from tolerances import near

SIDES = st.integers(1, 90)
SHARES = st.lists(st.floats(0, 1e6), min_size=1, max_size=7)


@given(SIDES, SIDES, st.sampled_from([1, 4, 16]))
def test_cells_of_a_level_cover_the_image_and_none_lies_outside(h, w, cell):
    grids = level_grids((h, w), cell)
    for level, (rows, columns) in enumerate(grids):
        side = cell * 2**level
        assert (rows - 1) * side < h <= rows * side
        assert (columns - 1) * side < w <= columns * side
    assert grids[-1] == (1, 1)
    assert (1, 1) not in grids[:-1]
    assert level_grids((h, w), cell, 2) == grids[:2]


def by_hand(shares, cells, budget):
    """The rule of `level_counts`, a token at a time: Webster's next claim, then what does not fit moves on."""
    wanted, claims = [0] * len(shares), [share if sum(shares) else 1 for share in shares]
    for _ in range(budget):
        quotients = [claim / (2 * count + 1) for claim, count in zip(claims, wanted, strict=True)]
        wanted[quotients.index(max(quotients))] += 1
    for path in (range(len(shares) - 1, 0, -1), range(len(shares) - 1)):
        step = path.step
        for level in path:
            over = max(wanted[level] - cells[level], 0)
            wanted[level], wanted[level + step] = wanted[level] - over, wanted[level + step] + over
    return wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), SIDES, SIDES, st.data())
def test_counts_of_levels_are_those_of_the_rule_and_within_their_cells(shares, h, w, data):
    grids = level_grids((h, w), 16, len(shares))
    cells = [math.prod(grid) for grid in grids]
    budget = data.draw(st.integers(0, sum(cells)))
    counts = level_counts(shares, grids, budget)
    assert sum(counts) == budget
    assert all(0 <= count <= most for count, most in zip(counts, cells, strict=True))
    rest = [0] * (len(shares) - len(grids))
    assert counts + rest == by_hand(shares, cells + rest, budget)


@settings(max_examples=60, deadline=None)
@given(SHARES, SIDES, SIDES, st.data())
def test_no_level_gets_less_for_a_larger_budget(shares, h, w, data):
    grids = level_grids((h, w), 8, len(shares))
    budget = data.draw(st.integers(0, sum(map(math.prod, grids)) - 1))
    small, large = (level_counts(shares, grids, budget + more) for more in (0, 1))
    assert all(a <= b for a, b in zip(small, large, strict=True))


def scores_of(generator, size, levels, few):
    """Random scores of the levels of an image, of few values so that ties are many."""
    draw = (lambda shape: generator.integers(0, 3, shape).astype(float)) if few else generator.random
    return [draw(grid) for grid in level_grids(size, 16, levels)]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=3), st.booleans(), st.data())
def test_the_best_of_all_levels_and_scenes_against_brute_force(seed, sizes, few, data):
    generator = np.random.default_rng(seed)
    scenes = [scores_of(generator, size, 3, few) for size in sizes]
    budget = data.draw(st.integers(len(sizes), sum(scores[0].size for scores in scenes)))
    ranked = sorted(
        (-score, -level, number, index)
        for number, scores in enumerate(scenes)
        for level, each in enumerate(scores)
        for index, score in enumerate(each.ravel())
    )
    taken = [min(entry for entry in ranked if entry[2] == number) for number in range(len(scenes))]
    for entry in ranked:
        mine = sum(other[2] == entry[2] for other in taken)
        if len(taken) < budget and entry not in taken and mine < scenes[entry[2]][0].size:
            taken.append(entry)
    expected = [
        [sorted(e[3] for e in taken if (e[2], -e[1]) == (number, level)) for level in range(len(scores))]
        for number, scores in enumerate(scenes)
    ]
    found = best_of_all(scenes, budget)
    assert [[index.tolist() for index in levels] for levels in found] == expected


def test_the_best_of_each_level_are_the_first_of_equals():
    scores = [np.array([[1.0, 3.0], [3.0, 2.0]]), np.array([[5.0]])]
    assert [index.tolist() for index in best_of_each(scores, [2, 1])] == [[1, 2], [0]]
    assert [index.tolist() for index in best_of_each(scores, [3, 0])] == [[1, 2, 3], []]


def test_content_of_a_level_is_the_band_that_it_adds():
    fine, coarse = grating((64, 64), 0.4), grating((64, 64), 0.11)
    for image, level in ((fine, 0), (coarse, 1)):
        energy = [each.sum() for each in content_levels(ps.Scene(image), 8, 4)]
        assert energy.index(max(energy)) == level


def test_content_counts_as_much_as_its_weight():
    image = noise(3, 64, 64)
    weight = torch.ones(2, 2, dtype=torch.float64)
    weight[0, 1] = 3
    plain, weighted = (content_levels(ps.Scene(image, given), 16, 2) for given in (None, weight))
    factors = weight.repeat_interleave(2, 0).repeat_interleave(2, 1).numpy()
    near(weighted[0], plain[0] * factors, dtype=torch.float32)
    near(weighted[1], plain[1] * weight.numpy(), dtype=torch.float32)


def test_relevance_is_that_of_the_query_where_there_is_one():
    features = torch.zeros(4, 4, 2)
    features[..., 0], features[3, 0] = 1.0, torch.tensor([0.0, 1.0])
    asked = ps.Context(query=torch.tensor([0.0, 1.0]), features=features)
    flat = torch.full((1, 64, 64), 0.5)
    for scores in relevance_levels(ps.Scene(flat, context=asked), 16, 2):
        rows, columns = scores.shape
        assert scores.argmax() == (rows - 1) * columns
    weight = torch.zeros(2, 2, dtype=torch.float64)
    weight[0, 0] = 1
    masked = relevance_levels(ps.Scene(flat, weight, asked), 16, 2)
    assert not any(scores.any() for scores in masked), "nothing is asked where the weight is"
    image = noise(1, 64, 64)
    found = relevance_levels(ps.Scene(image, context=ps.Context(query=torch.ones(2))), 16, 2)
    np.testing.assert_array_equal(found[0], content_levels(ps.Scene(image), 16, 2)[0])


def test_values_whose_squares_overflow_are_refused():
    with pytest.raises(ValueError, match="image must have values whose squares are finite"):
        ps.plan(noise(1, 64, 64) * 1e30, 4, ps.methods.DifficultyTiers())
