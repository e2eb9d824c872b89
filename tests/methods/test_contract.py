"""One contract for all methods of the pixels site: `METHODS` is the list, so a new method is tested by being named."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise, photo
from pyrascope.methods.named import METHODS, method_from

EVERY = [kind() for kind in METHODS.values() if kind is not ps.methods.CoarseToFine]  # it needs a detector
EXACT = [method for method in EVERY if not isinstance(method, ps.methods.Resize)]
SIZES = [(1, 1), (1, 33), (40, 1), (33, 47), (64, 80)]


def cells(size, cell):
    return -(-size[0] // cell) * -(-size[1] // cell)


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", [3, 16])
def test_every_budget_is_met_exactly_by_a_partition_of_dyadic_boxes(method, size, cell):
    image = noise(3, *size)
    full = cells(size, cell)
    for budget in sorted({*range(1, min(full, 7)), *range(1, full + 1, max(full // 9, 1)), full - 1, full} - {0}):
        plan = ps.plan(image, budget, method, cell)
        assert plan.tokens == budget
        assert plan.is_partition
        assert plan.coverage == 1
        assert (plan.levels % 1 == 0).all()
        assert (plan.levels >= 0).all()
        assert (plan.boxes[:, :2] % (cell * 2.0**plan.levels) == 0).all()
        assert np.isfinite(plan.scores).all()
        assert (np.lexsort((plan.boxes[:, 1], plan.boxes[:, 0])) == np.arange(budget)).all()
    assert not plan.levels.any(), "the full budget is native resolution"


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


@pytest.mark.parametrize("method", EVERY)
def test_constant_images_grey_and_colour(method):
    for image in (torch.zeros(1, 40, 56), torch.ones(3, 40, 56), torch.full((5, 40, 56), 0.5)):
        assert ps.plan(image, 6, method, 8).tokens == 6 or method == ps.methods.Resize()


@pytest.mark.parametrize("method", EVERY)
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.data())
def test_plans_are_deterministic_rebuilt_from_their_string_and_kept_by_json(method, h, w, data):
    image = noise(3, h, w)
    plan = ps.plan(image, data.draw(st.integers(1, cells((h, w), 8))), method, 8)
    assert ps.plan(image.clone(), data.draw(st.just(plan.tokens)), method_from(plan.method), 8).tokens <= plan.tokens
    assert ps.Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("method", EVERY)
def test_the_same_image_gives_the_same_plan_in_every_type(method):
    image = (noise(3, 60, 90) * 255).round().to(torch.uint8)
    plan = ps.plan(image, 20, method)
    assert ps.plan(image, 20, method) == plan
    assert ps.plan(image.permute(1, 2, 0).numpy(), 20, method) == plan


@pytest.mark.parametrize("method", EXACT)
def test_a_joint_budget_is_exact_in_total(method):
    images = [noise(3, 40, 60), noise(1, 17, 90, seed=1), torch.zeros(3, 33, 33)]
    for budget in (3, 4, 11, 30):
        plans = ps.plan(images, budget, method)
        assert sum(plan.tokens for plan in plans) == budget
        assert all(plan.is_partition for plan in plans)
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
        assert max(sides) / min(sides) <= (1.15 if min(ratios) <= 1.15 else min(ratios) + 1e-9)
        near = [r * c for r in range(1, 33) for c in range(1, 49) if r * c <= budget and _ratio(r, c) <= 1.15]
        assert plan.tokens == max(near, default=plan.tokens)


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
    for i, one in enumerate(plans):
        for other in plans[i + 1 :]:
            assert not np.array_equal(one.boxes, other.boxes)


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


@pytest.mark.parametrize("method", [ps.methods.Uniform(), ps.methods.Random(), ps.methods.Resize()])
def test_methods_that_ignore_content_refuse_a_weight(method):
    with pytest.raises(ValueError, match=f"{type(method).__name__} takes no weight, got one"):
        ps.plan(torch.zeros(1, 32, 32), 2, method, weight=np.ones((2, 2)))


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
