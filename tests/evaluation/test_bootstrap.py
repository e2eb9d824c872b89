import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrascope.evaluation.bootstrap import bootstrap, bootstraps
from tolerances import near, room

numbers = st.lists(st.floats(-10, 10), min_size=1, max_size=12)


@given(numbers, st.floats(-5, 5))
def test_mean_inside_the_data_and_moves_with_it(values, shift):
    found = bootstrap(values)
    assert min(values) - room(10) <= found.low <= found.high <= max(values) + room(10)
    near(found.estimate, np.mean(values), "step")
    near(bootstrap(np.array(values) + shift), np.array(found) + shift)
    assert found == bootstrap(values)


def test_interval_against_all_resamples_there_are():
    values, totals = np.array([0.0, 3.0, 1.0, 4.0, 2.0]), np.array([5.0, 4.0, 2.0, 4.0, 9.0])
    for out_of in (None, totals):
        every = [
            values[list(draw)].sum() / (np.ones(5) if out_of is None else totals)[list(draw)].sum()
            for draw in itertools.product(range(5), repeat=5)
        ]
        found = bootstrap(values, out_of, resamples=40000, level=0.8)
        np.testing.assert_allclose(found[1:], np.quantile(every, [0.1, 0.9]), atol=0.03)
        near(found.estimate, values.sum() / (np.ones(5) if out_of is None else totals).sum(), "step")


def test_the_interval_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(1)
    inside = [low <= 0.0 <= high for low, high in (bootstrap(generator.normal(size=40))[1:] for _ in range(200))]
    assert 0.88 <= np.mean(inside) <= 0.99


def test_totals_that_are_equal_are_a_mean_and_pairing_shrinks_differences():
    generator = np.random.default_rng(0)
    a = generator.normal(size=30)
    near(np.multiply(bootstrap(a, np.full(30, 4.0)), 4), bootstrap(a), "step")
    b = a + 0.01 * generator.normal(size=30)
    assert np.ptp(bootstrap(a - b)[1:]) < 0.1 * np.ptp(bootstrap(a)[1:])


@pytest.mark.parametrize("resamples", [1, 99, 100, 250])
def test_rows_of_a_table_are_what_each_gives_alone(resamples):
    table = np.random.default_rng(2).normal(size=(3, 17))
    for row, found in zip(table, bootstraps(table, resamples, 0.9, seed=5), strict=True):
        near(found, bootstrap(row, None, resamples, 0.9, seed=5), "step")
    assert bootstraps(np.zeros((0, 4))) == []


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: bootstraps([1.0, 2.0]), "table must be finite numbers"),
        (lambda: bootstraps([[]]), "table must be finite numbers"),
        (lambda: bootstraps([[np.nan]]), "table must be finite numbers"),
        (lambda: bootstraps([[1.0]], level=0), "level must lie between 0 and 1"),
        (lambda: bootstraps([[1.0]], resamples=0), "resamples must be a whole number >= 1"),
        (lambda: bootstrap([]), "values must be finite numbers"),
        (lambda: bootstrap([1.0, np.inf]), "values must be finite numbers"),
        (lambda: bootstrap([1.0], [0.0]), r"totals must be positive numbers of shape \(1,\)"),
        (lambda: bootstrap([1.0], [1.0, 1.0]), "totals must be positive"),
        (lambda: bootstrap([1.0], level=95), "level must lie between 0 and 1, got 95"),
        (lambda: bootstrap([1.0], resamples=0), "resamples must be a whole number >= 1"),
    ],
)
def test_what_does_not_fit_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
