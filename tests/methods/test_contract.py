"""One contract for all methods of the pixels site: `METHODS` is the list, so a new method is tested by being named."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise, photo
from pyrascope.methods.named import UNAIDED, method_from
from tolerances import near, room


def named(method):
    return type(method).__name__


EVERY = [kind() for kind in UNAIDED.values()]
EXACT = [method for method in EVERY if not isinstance(method, ps.methods.Resize)]
OWN_BUDGET = [
    ps.methods.Anisotropic(),
    ps.methods.DifficultyTiers(),
    ps.methods.DynamicPyramid(),
    ps.methods.MultiScale(),
    ps.methods.ProgressiveLevels(),
    ps.methods.RegionTiers(),
]
"""Those that choose a budget themselves where none is given."""
DYADIC_PARTITIONS = [
    ps.methods.RateDistortion(),
    ps.methods.TwoLevels(),
    ps.methods.Uniform(),
    ps.methods.Random(),
    ps.methods.Frequency(),
    ps.methods.AdaptiveDepth(),
    ps.methods.Foveated(),
    ps.methods.Mixture(),
]
"""Those whose boxes are dyadic and cover each place once; others may overlap, leave places out, or leave the grid."""
PARTITIONS = [
    *DYADIC_PARTITIONS,
    ps.methods.Anisotropic(),
    ps.methods.MultiScale(),
    ps.methods.NeverWorse(),
    ps.methods.RegionTiers(),
]
UNWEIGHTED = [ps.methods.Uniform(), ps.methods.Random(), ps.methods.Resize(), ps.methods.RegionTiers()]
"""Those that refuse a weight, since they would ignore it."""
MAY_EQUAL = {(ps.methods.RateDistortion(), ps.methods.AdaptiveDepth())}
"""Pairs of which one wraps the other."""
SIZES = [(1, 1), (1, 33), (40, 1), (33, 47), (64, 80)]


def cells(size, cell):
    return -(-size[0] // cell) * -(-size[1] // cell)


def some_budgets(full):
    return sorted({*range(1, min(full, 7)), *range(1, full + 1, max(full // 9, 1)), full - 1, full} - {0})


@pytest.mark.parametrize("method", EXACT, ids=named)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", [3, 16])
def test_every_budget_is_met_exactly(method, size, cell):
    image = noise(3, *size)
    for budget in some_budgets(cells(size, cell)):
        plan = ps.plan(image, budget, method, cell)
        assert plan.tokens == budget
        assert plan.image_size == size
        assert (plan.cell, plan.method) == (cell, repr(method))
        assert np.isfinite(plan.scores).all()
        assert len(np.unique(np.concatenate([plan.boxes, plan.levels], 1), axis=0)) == budget, "no token comes twice"
        assert (np.lexsort((plan.boxes[:, 1], plan.boxes[:, 0])) == np.arange(budget)).all()
        assert plan.is_partition or method not in PARTITIONS
        if method in DYADIC_PARTITIONS:
            assert plan.coverage == 1
            assert (plan.levels % 1 == 0).all()
            assert (plan.levels >= 0).all()
            assert (plan.boxes[:, :2] % (cell * 2.0**plan.levels) == 0).all()
    assert not plan.levels.any() or method not in DYADIC_PARTITIONS, "the full budget is native resolution"


@pytest.mark.parametrize("method", EXACT, ids=named)
def test_budgets_out_of_reach_are_refused_with_the_range(method):
    for budget in (0, 7):
        with pytest.raises(ValueError, match="budget must be a whole number from 1 to 6, got"):
            ps.plan(noise(1, 32, 48), budget, method)
    with pytest.raises(ValueError, match="from 2 to 12, got 1"):
        ps.plan([noise(1, 32, 48)] * 2, 1, method)


@pytest.mark.parametrize("method", EVERY, ids=named)
def test_without_a_budget_methods_choose_it_or_say_that_they_need_one(method):
    images = [noise(3, 100, 150), torch.zeros(1, 20, 33), photo()]
    if method in OWN_BUDGET:
        plans = ps.plan(images, None, method)
        assert plans == [ps.plan(image, None, method) for image in images]
        assert all(1 <= plan.tokens <= cells(plan.image_size, 16) for plan in plans)
    else:
        with pytest.raises(ValueError, match=r"needs a budget from 3 to \d+, got none"):
            ps.plan(images, None, method)


@pytest.mark.parametrize("method", EVERY, ids=named)
def test_long_sides(method):
    image = noise(1, 16, 4096)
    plan = ps.plan(image, 37, method)
    assert plan.tokens == 37 or isinstance(method, ps.methods.Resize)
    assert ps.render(plan, ps.gather(image, plan)).isfinite().all()


@pytest.mark.parametrize("method", EVERY, ids=named)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_what_is_gathered_and_rendered_follows_the_type_and_is_finite(method, dtype):
    image = noise(3, 45, 70, dtype=dtype)
    plan = ps.plan(image, 11, method, 8)
    tokens = ps.gather(image, plan)
    shown = ps.render(plan, tokens)
    assert tokens.dtype == shown.dtype == dtype
    assert tokens.device == shown.device == image.device
    assert tokens.shape == (plan.tokens, 3, 8, 8)
    assert shown.shape == image.shape
    assert tokens.isfinite().all()
    assert shown.isfinite().all()


@pytest.mark.parametrize("method", EVERY, ids=named)
def test_constants_are_shown_exactly_where_boxes_are(method):
    image = torch.full((1, 45, 70), 0.6, dtype=torch.float64)
    for budget in (1, 9, 54):
        plan = ps.plan(image, budget, method, 8)
        seen = torch.zeros(45, 70, dtype=torch.bool)
        for y0, x0, y1, x1 in plan.boxes:
            seen[int(np.ceil(y0 - 0.5)) : int(np.ceil(y1 - 0.5)), int(np.ceil(x0 - 0.5)) : int(np.ceil(x1 - 0.5))] = (
                True
            )
        near(ps.render(plan, ps.gather(image, plan)), image * seen)


@pytest.mark.parametrize("aspect", [1, 2, 4])
@pytest.mark.parametrize("size", [*SIZES, (16, 1000)])
def test_the_aspect_of_boxes_is_bounded(aspect, size):
    method = ps.methods.RateDistortion(aspect)
    image = noise(1, *size)
    full = cells(size, 8)
    for budget in range(1, full + 1, max(full // 25, 1)):
        plan = ps.plan(image, budget, method, 8)
        skew = np.abs(plan.levels[:, 0] - plan.levels[:, 1])
        assert skew.max() <= (np.log2(aspect) if aspect > 1 else 1)
        if aspect == 1:
            assert (skew == 1).sum() <= 4, "two tokens make two pairs of halves at most"


@pytest.mark.parametrize("method", EVERY, ids=named)
def test_constant_images_grey_and_colour(method):
    for image in (torch.zeros(1, 40, 56), torch.ones(3, 40, 56), torch.full((5, 40, 56), 0.5)):
        assert ps.plan(image, 6, method, 8).tokens == 6 or method == ps.methods.Resize()


@pytest.mark.parametrize("method", EVERY, ids=named)
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.data())
def test_plans_are_deterministic_rebuilt_from_their_string_and_kept_by_json(method, h, w, data):
    image = noise(3, h, w)
    plan = ps.plan(image, data.draw(st.integers(1, cells((h, w), 8))), method, 8)
    again = ps.plan(image.clone(), plan.tokens, method_from(plan.method), 8)
    assert again == plan or isinstance(method, ps.methods.Resize)
    assert ps.Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("method", EVERY, ids=named)
def test_the_same_image_gives_the_same_plan_in_every_type(method):
    image = (noise(3, 60, 90) * 255).round().to(torch.uint8)
    plan = ps.plan(image, 20, method)
    assert ps.plan(image, 20, method) == plan
    assert ps.plan(image.permute(1, 2, 0).numpy(), 20, method) == plan


@pytest.mark.parametrize("method", EXACT, ids=named)
def test_a_joint_budget_is_exact_in_total(method):
    images = [noise(3, 40, 60), noise(1, 17, 90, seed=1), torch.zeros(3, 33, 33)]
    for budget in (3, 4, 11, 30):
        plans = ps.plan(images, budget, method)
        assert sum(plan.tokens for plan in plans) == budget
        assert all(plan.is_partition for plan in plans) or method not in PARTITIONS
    assert ps.plan(images[:1], 7, method) == [ps.plan(images[0], 7, method)]


@pytest.mark.parametrize("method", [ps.methods.RateDistortion(), ps.methods.Frequency()])
def test_a_joint_budget_goes_where_it_gains_most(method):
    calm, busy = torch.full((3, 96, 96), 0.5), noise(3, 96, 96)
    plans = ps.plan([calm, busy, calm], 30, method)
    assert [plan.tokens for plan in plans] == [1, 28, 1]


def test_resize_keeps_proportions_and_takes_at_most_the_budget():
    image = torch.zeros(1, 512, 768)
    for budget in (1, 2, 5, 64, 128, 256, 512, 1536):
        plan = ps.plan(image, budget, ps.methods.Resize())
        assert plan.tokens <= budget
        assert plan.is_partition
        sides = plan.boxes[0, 2:] - plan.boxes[0, :2]
        ratios = [
            max(q, 1 / q) for r in range(1, 33) for c in range(1, 49) if r * c <= budget for q in [512 / r * c / 768]
        ]
        assert max(sides) / min(sides) <= (1.15 if min(ratios) <= 1.15 else min(ratios) + room(min(ratios)))
        fitting = [r * c for r in range(1, 33) for c in range(1, 49) if r * c <= budget and _ratio(r, c) <= 1.15]
        assert plan.tokens == max(fitting, default=plan.tokens)


def _ratio(rows, columns):
    q = 512 / rows * columns / 768
    return max(q, 1 / q)


def test_uniform_splits_the_largest_box_next():
    for size in [(64, 64), (128, 256), (50, 90)]:
        for budget in range(1, cells(size, 8) + 1, 5):
            plan = ps.plan(torch.zeros(1, *size), budget, ps.methods.Uniform(), 8)
            nominal = plan.levels.sum(1)
            if not any(n % 8 for n in size):
                areas = (plan.boxes[:, 2:] - plan.boxes[:, :2]).prod(1)
                assert areas.max() <= 2 * areas.min()
            assert nominal.max() - nominal.min() <= 2 or any(n % 8 for n in size)


def test_random_plans_of_smaller_budgets_are_earlier_stages():
    image = torch.zeros(1, 100, 140)
    plans = [ps.plan(image, budget, ps.methods.Random(3), 8) for budget in (5, 6, 40)]
    for small, large in pairwise(plans):
        for y0, x0, y1, x1 in large.boxes:
            inside = (small.boxes[:, :2] <= [y0, x0]).all(1) & (small.boxes[:, 2:] >= [y1, x1]).all(1)
            assert inside.sum() == 1
    assert ps.plan(image, 40, ps.methods.Random(4), 8) != plans[-1]


def test_methods_differ_pairwise_on_a_photograph():
    image = photo()[:, :256, :384]
    plans = [ps.plan(image, 64, method) for method in EVERY]
    for (one, plan), (other, second) in combinations(zip(EVERY, plans, strict=True), 2):
        assert not np.array_equal(plan.boxes, second.boxes) or (one, other) in MAY_EQUAL, f"{one} is {other}"


def test_frequency_and_rate_distortion_follow_the_weight():
    image = noise(3, 128, 128)
    weight = np.zeros((4, 4))
    weight[1, 2] = 1
    for method in (ps.methods.RateDistortion(), ps.methods.Frequency()):
        plan = ps.plan(image, 20, method, weight=weight)
        centres = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
        inside = ((centres >= [32, 64]) & (centres < [64, 96])).all(1)
        assert inside.sum() >= 4, "all four native cells of the only place that matters"
        assert not plan.levels[inside].any()


@pytest.mark.parametrize("method", EVERY, ids=named)
def test_methods_follow_the_weight_or_refuse_it(method):
    image = noise(3, 128, 128)
    weight = np.zeros((4, 4))
    weight[0, 3] = 1
    if method in UNWEIGHTED:
        with pytest.raises(ValueError, match=f"{type(method).__name__} takes no weight, got one"):
            ps.plan(image, 20, method, weight=weight)
        return
    inside = []
    for wanted in (None, weight):
        plan = ps.plan(image, 20, method, weight=wanted)
        centres = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
        inside.append(((centres >= [0, 96]) & (centres < [32, 128])).all(1).sum())
    assert inside[1] > inside[0], "more tokens at the only place that matters"


@pytest.mark.parametrize("options", [{"aspect": 3}, {"aspect": 0}, {"aspect": True}, {"gain": "soft"}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"(aspect|gain) must be .*, got"):
        ps.methods.RateDistortion(**options)


def test_direct_and_recursive_gain_show_a_photograph_equally_well():
    image = photo()[:, :256, 200:456]
    quality = []
    for gain in ("direct", "recursive"):
        plan = ps.plan(image, 64, ps.methods.RateDistortion(gain=gain))
        quality.append(-10 * torch.log10((ps.render(plan, ps.gather(image, plan)) - image).square().mean()).item())
    assert abs(quality[0] - quality[1]) < 0.1
