"""The entropy gate: the total is exact, the unsure get no less, the order of images does not matter."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrascope.allocation.budgets.gate import EntropyGate, budgets_by_entropy
from tolerances import near

entropy = st.one_of(st.integers(0, 4).map(float), st.floats(0, 12))
rising = st.lists(st.integers(1, 40), min_size=1, max_size=4, unique=True).map(lambda tiers: tuple(sorted(tiers)))


@st.composite
def problems(draw, values=entropy, unique=False):
    entropies = draw(st.lists(values, min_size=1, max_size=12, unique=unique))
    tiers = draw(rising)
    total = draw(st.integers(len(entropies) * tiers[0], len(entropies) * tiers[-1]))
    return entropies, tiers, total


def one_step_at_a_time(entropies, tiers, total):
    """Each next step to the image whose next tier is smallest for its entropy, exactly; the last as far as it goes."""
    budgets, at = [tiers[0]] * len(entropies), [0] * len(entropies)
    while left := total - sum(budgets):
        free = [i for i in range(len(entropies)) if at[i] + 1 < len(tiers)]
        due = {i: Fraction(tiers[at[i] + 1]) / Fraction(entropies[i]) if entropies[i] else None for i in free}
        some = [i for i in free if due[i] is not None]
        mine = min(some or free, key=lambda i: (due[i] or 0, at[i], -entropies[i], i))
        step = min(tiers[at[mine] + 1] - tiers[at[mine]], left)
        budgets[mine] += step
        at[mine] += 1
    return budgets


@given(problems(st.integers(0, 6).map(float)))
def test_equals_one_step_at_a_time(problem):
    assert budgets_by_entropy(*problem).tolist() == one_step_at_a_time(*problem)


@given(problems())
def test_the_total_is_exact_and_all_but_one_image_have_a_tier(problem):
    _, tiers, total = problem
    budgets = budgets_by_entropy(*problem)
    assert budgets.sum() == total
    assert sum(int(budget) not in tiers for budget in budgets) <= 1
    assert budgets.min() >= tiers[0]
    assert budgets.max() <= tiers[-1]


@given(problems())
def test_the_unsure_get_no_less(problem):
    budgets = budgets_by_entropy(*problem)
    order = np.argsort(problem[0], kind="stable")
    for a, b in pairwise(order):
        if problem[0][a] < problem[0][b]:
            assert budgets[a] <= budgets[b]


@given(problems(unique=True), st.randoms())
def test_the_order_of_the_images_does_not_matter(problem, random):
    entropies, tiers, total = problem
    order = list(range(len(entropies)))
    random.shuffle(order)
    moved = budgets_by_entropy([entropies[i] for i in order], tiers, total)
    assert moved.tolist() == budgets_by_entropy(*problem)[order].tolist()


@given(problems())
def test_a_calibrated_gate_keeps_the_mean_and_wastes_less_than_a_step(problem):
    entropies, tiers, total = problem
    gate = EntropyGate.calibrated(entropies, tiers, total / len(entropies))
    online = np.array([gate(one) for one in entropies])
    exact = budgets_by_entropy(*problem)
    assert online.sum() <= total
    assert (online <= exact).all(), "the same order of steps"
    if len(set(entropies)) == len(entropies):
        due = {k / e if e else np.inf for e in entropies for k in tiers[1:]}
        if len(due) == (len(tiers) - 1) * len(entropies):  # no two steps at once
            assert total - online.sum() < max(np.diff(tiers), default=1)


def test_new_images_are_judged_by_the_set():
    random = np.random.default_rng(0)
    gate = EntropyGate.calibrated(random.exponential(1.0, 4000), (64, 128, 256), 110)
    spent = [gate(one) for one in random.exponential(1.0, 4000)]
    np.testing.assert_allclose(np.mean(spent), 110, rtol=0.03)
    assert set(spent) == {64, 128, 256}
    near(gate.thresholds[1], 2 * gate.thresholds[0], "step")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: budgets_by_entropy([1.0, 2.0], (8, 16), 15), "total must be a whole number from 16 to 32, got 15"),
        (lambda: budgets_by_entropy([1.0, 2.0], (8, 16), 16.5), "total must be a whole number from 16 to 32"),
        (lambda: budgets_by_entropy([1.0, -2.0], (8, 16), 16), "entropies must be finite and not negative"),
        (lambda: budgets_by_entropy([], (8, 16), 16), "entropies must be numbers of shape"),
        (lambda: budgets_by_entropy([1.0], (16, 8), 16), "tiers must rise, got"),
        (lambda: budgets_by_entropy([1.0], (0, 8), 8), "tiers must be a whole number >= 1, got 0"),
        (lambda: budgets_by_entropy([1.0], 8, 8), "tiers must be a sequence of budgets"),
        (lambda: EntropyGate((8, 16), (0.5, 1)), "thresholds must be 1 numbers for 2 tiers"),
        (lambda: EntropyGate((8, 16, 32), (0.5, 0.1)), "not falling"),
        (lambda: EntropyGate((8, 16), (0.5,))(float("nan")), "entropies must be finite"),
        (lambda: EntropyGate.calibrated([1.0], (8, 16), 17), "mean_budget must be from 8 to 16, got 17"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_an_entropy_at_a_threshold_has_reached_it():
    gate = EntropyGate((4, 8, 16), (1.0, 2.0))
    assert [gate(entropy) for entropy in (0.0, 0.99, 1.0, 1.5, 2.0, 9.0)] == [4, 4, 8, 8, 16, 16]


def test_where_the_whole_set_gets_most_images_half_as_unsure_do_too():
    assert EntropyGate.calibrated([2.0, 4.0], (4, 8), 8).thresholds == (1.0,)
