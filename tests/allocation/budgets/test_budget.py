"""Sharing a budget: exact, bounded, monotone, and equal to giving one token at a time."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from tolerances import room

whole = st.integers(0, 30).map(float)
positive = st.floats(1e-3, 1e3)
bounds = st.tuples(st.integers(0, 3), st.integers(0, 9)).map(lambda pair: (pair[0], max(sum(pair), 1)))


@st.composite
def problems(draw, values=whole, most=6, unique=False):
    """Importance, a budget that can be met, and the bounds."""
    importance = draw(st.lists(values, min_size=1, max_size=most, unique=unique))
    low, high = draw(bounds)
    return importance, draw(st.integers(low * len(importance), high * len(importance))), low, high


def one_at_a_time(importance, budget, low, high):
    """Each next token to the largest share / (n + 1/2), exactly; those of no importance share what is left, evenly."""
    counts = [low] * len(importance)
    for _ in range(budget - low * len(importance)):
        free = [k for k in range(len(counts)) if counts[k] < high]
        some = [k for k in free if importance[k] > 0]
        claim = {k: Fraction(importance[k] if some else 1) / (2 * counts[k] + 1) for k in some or free}
        counts[max(claim, key=lambda k: (claim[k], -k))] += 1  # ties go to the first region
    return counts


@settings(max_examples=150, deadline=None)
@given(st.one_of(problems(), problems(positive)))
def test_equals_one_token_at_a_time(problem):
    assert ps.allocate(*problem).tolist() == one_at_a_time(*problem)


@pytest.mark.parametrize(
    ("importance", "budget", "expected"),
    [
        ([1, 3], 2, [1, 1]),
        ([3, 1], 2, [2, 0]),
        ([1, 3], 4, [1, 3]),
        ([1, 1, 1], 5, [2, 2, 1]),
        ([5, 1, 3], 3, [2, 0, 1]),
    ],
)
def test_ties_go_to_the_first_region(importance, budget, expected):
    assert one_at_a_time(importance, budget, 0, 400) == expected
    assert ps.allocate(importance, budget, minimum=0).tolist() == expected


@settings(max_examples=80, deadline=None)
@given(problems(st.one_of(whole, positive, st.floats(0, 1e300)), most=40))
def test_sum_is_exact_and_bounds_hold(problem):
    _, budget, low, high = problem
    counts = ps.allocate(*problem)
    assert counts.dtype == np.int64
    assert counts.sum() == budget
    assert counts.min() >= low
    assert counts.max() <= high


@settings(max_examples=60, deadline=None)
@given(problems(st.one_of(whole, positive), most=12))
def test_a_larger_budget_costs_no_region_a_token(problem):
    importance, _, low, high = problem
    n = len(importance)
    steps = np.stack([ps.allocate(importance, b, low, high) for b in range(low * n, high * n + 1)])
    assert (np.diff(steps, axis=0) >= 0).all()
    assert (np.diff(steps, axis=0).sum(1) == 1).all()


@settings(max_examples=80, deadline=None)
@given(problems(st.one_of(whole, positive, st.floats(0, 1e300), st.sampled_from([1e-300, 1e-301, 1e300])), most=12))
def test_more_important_regions_get_no_less(problem):
    importance, counts = np.array(problem[0]), ps.allocate(*problem)
    order = np.lexsort((counts, importance))
    more = np.diff(importance[order]) > 0
    assert (np.diff(counts[order])[more] >= 0).all()


@settings(max_examples=60, deadline=None)
@given(problems(positive, most=12, unique=True), st.randoms())
def test_more_importance_costs_a_region_no_token(problem, random):
    importance, *rest = problem
    k = random.randrange(len(importance))
    more = [value * (1 + random.random()) if i == k else value for i, value in enumerate(importance)]
    assert ps.allocate(more, *rest)[k] >= ps.allocate(importance, *rest)[k]


@settings(max_examples=60, deadline=None)
@given(problems(st.integers(1, 10**6).map(lambda n: n**0.5), most=12, unique=True), st.integers(0, 2**32 - 1))
def test_permuted_regions_get_permuted_tokens(problem, seed):
    importance, *rest = problem
    order = np.random.default_rng(seed).permutation(len(importance))
    claims = sorted(value / (n + 0.5) for value in importance for n in range(13))
    if any(abs(a - b) <= room(b) for a, b in pairwise(claims)):
        return  # a tie, which the order decides
    np.testing.assert_array_equal(
        ps.allocate(np.array(importance)[order], *rest), ps.allocate(importance, *rest)[order]
    )


@settings(max_examples=60, deadline=None)
@given(problems(st.one_of(whole, positive), most=12), st.sampled_from([2.0**-900, 2.0**-30, 0.5, 4.0, 2.0**900]))
def test_only_ratios_matter(problem, factor):
    importance, *rest = problem
    np.testing.assert_array_equal(ps.allocate(np.array(importance) * factor, *rest), ps.allocate(importance, *rest))


@pytest.mark.parametrize("factor", [1e-320, 1e-300, 0.1, 3, 1e300])
def test_whole_multiples_of_a_scale_share_alike(factor):
    counts = ps.allocate(np.array([1, 2, 5, 0, 12]) * factor, 40)
    if factor != 1e-320:
        assert counts.tolist() == one_at_a_time([1, 2, 5, 0, 12], 40, 1, 400)
    assert counts.sum() == 40


@pytest.mark.parametrize("importance", [[1e300, 1e-300], [1e-300, 1e300], [5e-324, 1.7e308], [1e308] * 3, [1e308, 0]])
@pytest.mark.parametrize("high", [1, 3, 400, 2**31])
def test_extreme_values_are_shared(importance, high):
    n = len(importance)
    for budget in {0, 1, n, min(high * n, 1000), high * n}:
        counts = ps.allocate(importance, budget, minimum=0, maximum=high)
        assert counts.sum() == budget
        assert (counts >= 0).all()
        assert (counts <= high).all()
        assert counts[np.argmax(importance)] == counts.max()


def test_tiny_importance_still_outranks_a_tinier_one():
    assert ps.allocate([1e300, 1e-301, 1e-300], 5, minimum=0, maximum=4).tolist() == [4, 0, 1]


def test_no_importance_gets_the_minimum_while_others_can_take():
    assert ps.allocate([0, 5, 0, 1], 12, minimum=1).tolist()[::2] == [1, 1]
    assert ps.allocate([0, 5, 0, 1], 17, minimum=1, maximum=6).tolist() == [3, 6, 2, 6]
    assert ps.allocate([0, 0, 0], 7).tolist() == [3, 2, 2]
    assert ps.allocate(0.0, 7).tolist() == 7


@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (2, 1, 3)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int64])
def test_any_shape_and_type_of_numbers(shape, dtype):
    importance = np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape).astype(dtype)
    kept = importance.copy()
    counts = ps.allocate(importance, 30)
    assert (counts.shape, counts.dtype, counts.sum()) == (shape, np.int64, 30)
    np.testing.assert_array_equal(counts.ravel(), ps.allocate(importance.ravel().tolist(), 30))
    np.testing.assert_array_equal(importance, kept)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (([1, 2], 1), "budget must be a whole number from 2 to 800, got 1; 2 regions of 1 to 400 tokens"),
        (([1, 2], 801), "budget must be a whole number from 2 to 800, got 801"),
        (([1, 2], 9, 1, 4), "budget must be a whole number from 2 to 8, got 9; 2 regions of 1 to 4 tokens"),
        (([1, 2], 3, 2, 4), "budget must be a whole number from 4 to 8, got 3"),
        (([1, 2], 10**400), "budget must be a whole number from 2 to 800, got 0x"),
        (([1, 2], 3, -1), "minimum must be a whole number >= 0, got -1"),
        (([1, 2], 3, 5, 4), "maximum must be a whole number from 5 to"),
        (([], 3), "importance must be numbers, at least one"),
        ((["a"], 3), "importance must be numbers, at least one, got"),
        (([True, False], 3), "importance must be numbers"),
        (([1j], 3), "importance must be numbers"),
        (([1, -2], 3), "importance must be finite and not negative, got -2.0"),
        (([1, np.nan], 3), "importance must be finite and not negative, got nan"),
        (([np.inf, 1], 3), "importance must be finite and not negative, got inf"),
        (([[1], [1, 2]], 3), "importance must be numbers"),
        ((None, 3), "importance must be numbers"),
    ],
)
def test_refusals_name_the_range(arguments, expected):
    with pytest.raises(ValueError, match=expected) as caught:
        ps.allocate(*arguments)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("arguments", [(3.0,), ("3",), (True,), (None,), (3, 1.0), (3, 1, 4.5)])
def test_counts_must_be_whole(arguments):
    with pytest.raises(TypeError, match=r"(budget|minimum|maximum) must be a whole number .*, got"):
        ps.allocate([1, 2], *arguments)
