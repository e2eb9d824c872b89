"""Choices among equals: what is equal on paper stays so when every value is moved by a unit in the last place."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from moved import moved
from pyrascope.allocation.budgets.budget import budget_by_size
from pyrascope.allocation.budgets.gate import budgets_by_entropy
from pyrascope.allocation.budgets.selection import dpp, max_min, tile_quotas, top_k, top_k_per_tile
from pyrascope.allocation.ties import (
    FINE,
    ROUNDED,
    first_largest,
    first_of_largest,
    groups,
    magnitude,
    margin_of,
    order_of,
    ranked,
    settled,
    settled_energy,
)

FLOATS = st.sampled_from([torch.float32, torch.float64])
REPEATED = st.lists(st.sampled_from([0.1, 0.3, 0.7, 1.1, 2.3]), min_size=1, max_size=30)


def rows_from(kinds, columns, dtype, seed):
    """Features (n, columns) of at most as many different rows as kinds, each times a length of its own kind."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(max(kinds) + 1, columns, generator=draw, dtype=torch.float64)[kinds].to(dtype)


def brute_groups(values, margin, size):
    """By the definition, one after the other."""
    order = sorted(range(len(values)), key=lambda i: -values[i])
    out, number, first, before = [0] * len(values), 0, None, None
    for i in order:
        if first is not None:
            room = margin * (abs(values[i]) + size)
            if before - values[i] > room or first - values[i] > margin * (abs(first) + size):
                number += 1
                first = values[i]
        else:
            first = values[i]
        out[i], before = number, values[i]
    return out


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.sampled_from([0.0, 1.0]), st.integers(0, 99))
def test_groups_by_the_definition(kinds, size, seed):
    """Values that lie well within the margin of one another or well apart are grouped as the definition says."""
    draw = np.random.default_rng(seed)
    values = (np.array([-1.5, 0.0, 1e-3, 0.5, 0.5 + 2e-6 * (1 + size), 7.0, 1e9])[kinds]) * (1 + 1e-8 * draw.random())
    values = values * (1 + 1e-9 * draw.random(len(kinds)))
    found = groups(torch.from_numpy(values), ROUNDED, size)
    assert found.tolist() == brute_groups(values.tolist(), ROUNDED, size)


def test_groups_keeps_the_order_and_infinite_values_apart():
    values = torch.tensor([math.inf, 1e38, -math.inf, math.inf, -1e38, 0.0])
    assert groups(values, ROUNDED).tolist() == [0, 1, 4, 0, 3, 2]
    assert groups(values, ROUNDED, size=1.0).tolist() == [0, 1, 4, 0, 3, 2]


def test_a_long_run_of_neighbours_is_no_single_group():
    ladder = torch.arange(1000, dtype=torch.float64) * (ROUNDED / 2) + 1
    number = groups(ladder, ROUNDED)
    assert number.max() > 300
    for group in number.unique():
        mine = ladder[number == group]
        assert mine.max() - mine.min() <= ROUNDED * mine.max() * (1 + FINE)


def test_groups_of_whole_numbers_and_of_nothing():
    assert groups(torch.tensor([3, 7, 7, 1]), 0.0).tolist() == [1, 0, 0, 2]
    assert groups(torch.zeros(0), ROUNDED).tolist() == []
    assert ranked(torch.zeros(0), ROUNDED).tolist() == []
    assert groups(torch.tensor([[1.0, 2.0], [2.0, 1.0]]), ROUNDED).tolist() == [[1, 0], [0, 1]]


@given(REPEATED, FLOATS, st.integers(0, 99))
def test_ranked_settled_and_first_do_not_see_the_last_place(values, dtype, seed):
    scores = torch.tensor(values, dtype=dtype)
    other, margin = moved(scores, seed), margin_of(dtype)
    expected = sorted(range(len(values)), key=lambda i: -values[i])
    assert ranked(other, margin).tolist() == expected
    assert int(first_of_largest(other, margin * other.abs())) == expected[0]
    assert first_largest(other.numpy(), margin) == expected[0]
    assert len(settled(other, margin).unique()) == len(set(values))
    assert np.argsort(order_of(-other.numpy(), margin), kind="stable").tolist() == expected


def test_settled_energy_is_relative_to_the_size_of_the_values():
    """Squares of differences of values around 1: what rounding moves an energy by grows with its root."""
    step = 1e-7  # a float32 near 1 is as uncertain
    roots = np.array([[0.5, 0.5 + step, 0.01, 0.01 + step], [step, 0.0, 0.02, 0.5 - step]])
    found = settled_energy(roots**2 * 64, 64, 1.0, ROUNDED)
    assert (found == found[0, 0]).tolist() == [[True, True, False, False], [False, False, False, True]]
    assert found[0, 2] == found[0, 3] > 0
    assert found[1, :2].tolist() == [0.0, 0.0]
    assert settled_energy(np.zeros((0, 3)), 1.0, 1.0, ROUNDED).shape == (0, 3)


def test_magnitude_reads_every_eighth_row_and_column():
    image = torch.zeros(2, 17, 9)
    image[1, 16, 8] = -3.0
    image[0, 1, 1] = 9.0
    assert magnitude(image) == 3.0
    assert magnitude(torch.zeros(3, 0, 4)) == 0.0


@given(REPEATED, st.data(), FLOATS, st.integers(0, 99))
def test_allocate_does_not_see_the_last_place(values, data, dtype, seed):
    budget = data.draw(st.integers(len(values), 12 * len(values)))
    weights = torch.tensor(values, dtype=dtype)
    other = ps.allocate(moved(weights, seed).numpy(), budget)
    assert other.tolist() == ps.allocate(weights.numpy(), budget).tolist()
    assert other.sum() == budget


@given(REPEATED, st.data(), FLOATS, st.integers(0, 99))
def test_top_k_and_shares_of_tiles_do_not_see_the_last_place(values, data, dtype, seed):
    scores = torch.tensor(values, dtype=dtype)
    count = data.draw(st.integers(0, len(values)))
    tiles = torch.arange(len(values)) % 3
    importance = torch.tensor([0.3, 0.3, 0.1], dtype=dtype)[: int(tiles.max()) + 1]
    other, tilted = moved(scores, seed), moved(importance, seed + 1)
    assert top_k(other, count).tolist() == top_k(scores, count).tolist()
    assert (
        top_k_per_tile(other, tiles, count, tilted).tolist()
        == top_k_per_tile(scores, tiles, count, importance).tolist()
    )
    sizes = torch.bincount(tiles)
    assert tile_quotas(tilted, count, sizes).tolist() == tile_quotas(importance, count, sizes).tolist()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(1, 6), st.data(), FLOATS, st.integers(0, 99))
@settings(max_examples=200)
def test_diverse_choices_do_not_see_the_last_place(kinds, columns, data, dtype, seed):
    features = rows_from(kinds, columns, dtype, seed)
    weight = torch.tensor([0.3, 1.7, 0.3, 0.9, 1.7], dtype=dtype)[kinds]
    count = data.draw(st.integers(0, len(kinds)))
    other, heavier = moved(features, seed), moved(weight, seed + 1)
    assert dpp(other, count).tolist() == dpp(features, count).tolist()
    assert dpp(other, count, heavier).tolist() == dpp(features, count, weight).tolist()
    assert max_min(other, count).tolist() == max_min(features, count).tolist()
    assert max_min(other, count, heavier).tolist() == max_min(features, count, weight).tolist()


@given(REPEATED, st.data(), st.integers(0, 99))
def test_budgets_by_entropy_do_not_see_the_last_place(values, data, seed):
    """Values and their halves: images that step up twice are due when those of half the entropy step up once."""
    entropies = torch.tensor([*values, *(value / 2 for value in values)], dtype=torch.float64)
    total = data.draw(st.integers(8 * len(entropies), 32 * len(entropies)))
    found = budgets_by_entropy(moved(entropies, seed).numpy(), (8, 16, 32), total)
    assert found.tolist() == budgets_by_entropy(entropies.numpy(), (8, 16, 32), total).tolist()


def test_budget_by_size_of_equal_images_goes_to_the_first():
    assert budget_by_size([(33, 47)] * 3, 10, 16, "a method").tolist() == [4, 3, 3]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_lie_farther_apart_than_the_margin(dtype):
    near_by = torch.tensor([1.0, 1.0 + torch.finfo(dtype).eps], dtype=dtype)
    assert top_k(near_by, 1).tolist() == [1]
