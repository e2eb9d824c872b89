"""Tiers: thresholds are checked and found, budgets shared in proportion to the tokens of the tiers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.allocation.grids.levels import content_levels
from pyrascope.allocation.grids.tiers import Tier, ascending, plan_tiers, tier_of


@given(st.lists(st.floats(0, 1), max_size=4, unique=True).map(sorted), st.floats(0, 1))
def test_the_tier_is_the_one_between_the_thresholds_around(thresholds, difficulty):
    tier = tier_of(difficulty, thresholds)
    bounds = [-1, *thresholds, 2]
    assert bounds[tier] <= difficulty < bounds[tier + 1]


@pytest.mark.parametrize("value", [(0.7, 0.4), (0.4, 0.4), (0.4,), (0.1, 0.2, 0.3), (-0.1, 0.4), (0.4, float("nan"))])
def test_thresholds_out_of_order_are_refused(value):
    with pytest.raises(ValueError, match=r"thresholds must be 2 finite numbers, none below 0, ascending, got \("):
        ascending(value, "thresholds", 2)


@pytest.mark.parametrize("value", [0.4, "ab", None, (0.4, "0.7"), (False, True), {0.4, 0.7}])
def test_thresholds_that_are_no_numbers_are_refused(value):
    with pytest.raises(ValueError, match="thresholds must be 2 finite numbers"):
        ascending(value, "thresholds", 2)


def test_a_joint_budget_is_shared_by_the_tokens_of_the_tiers():
    scenes = [ps.Scene(noise(1, 320, 320, seed=seed)) for seed in range(3)]
    tiers = [Tier(100, (1, 1)), Tier(300, (1, 1)), Tier(200, (0, 1))]
    for budget, expected in ((60, [10, 30, 20]), (6, [1, 3, 2]), (3, [1, 1, 1]), (1200, [400, 400, 400])):
        plans = plan_tiers(scenes, tiers, budget, 16, "tiers", content_levels)
        assert [plan.tokens for plan in plans] == expected
    assert [plan.tokens for plan in plan_tiers(scenes, tiers, None, 16, "tiers", content_levels)] == [100, 300, 200]


def test_the_shares_of_a_tier_are_the_tokens_of_its_levels():
    (plan,) = plan_tiers([ps.Scene(noise(1, 320, 320))], [Tier(90, (2, 3, 4))], None, 16, "tiers", content_levels)
    assert [len(tokens) for tokens in plan.by_level().values()] == [20, 45, 25], "9 x 2, 9 x 3 and 9 x 4 of 90"
