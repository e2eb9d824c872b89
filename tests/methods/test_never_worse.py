import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise, photo
from pyrascope.evaluation.pictures.metrics import psnr
from pyrascope.methods import Foveated, NeverWorse, Random, RateDistortion, Resize
from pyrascope.methods.never_worse import even_grid, shown_error
from tolerances import near


def quality(image, plan):
    return psnr(ps.render(plan, ps.gather(image, plan)), image)


@pytest.mark.parametrize("method", [Random(), Foveated()])
def test_a_plan_that_shows_a_photograph_worse_than_a_resize_is_replaced(method):
    image, context = photo()[:, :256, :384], ps.Context(fixation=(96, 96))
    alone, plain = ps.plan(image, 50, method, context=context), ps.plan(image, 50, Resize())
    assert quality(image, alone) < quality(image, plain)
    plan = ps.plan(image, 50, NeverWorse(method), context=context)
    assert np.array_equal(plan.boxes, even_grid((256, 384), 50, 16).boxes)
    assert plan.tokens == 50
    assert quality(image, plan) > quality(image, plain) - 0.05


def test_a_plan_that_is_better_stays():
    image = photo()[:, :256, :384]
    plan = ps.plan(image, 50, NeverWorse(RateDistortion()))
    assert np.array_equal(plan.boxes, ps.plan(image, 50, RateDistortion()).boxes)


def test_of_several_images_each_is_judged_for_itself():
    smooth = torch.linspace(0, 1, 96).expand(1, 96, 96)
    edge = torch.full((1, 96, 96), 0.5)
    edge[:, 20:40, 30:50] = noise(1, 20, 20)
    plans = ps.plan([smooth, edge], 40, NeverWorse(Random()))
    own = ps.plan([smooth, edge], 40, Random())
    assert [plan.tokens for plan in plans] == [plan.tokens for plan in own]


def test_the_weight_decides_which_errors_count():
    image = photo()[:, :256, :384]
    weight = np.zeros((4, 6))
    weight[1, 1] = 1
    context = ps.Context(fixation=(96, 96))
    kept = ps.plan(image, 50, NeverWorse(Foveated()), weight=weight, context=context)
    assert np.array_equal(kept.boxes, ps.plan(image, 50, Foveated(), weight=weight, context=context).boxes)
    fallen = ps.plan(image, 50, NeverWorse(Foveated()), context=context)
    assert np.array_equal(fallen.boxes, even_grid((256, 384), 50, 16).boxes)


def test_a_criterion_of_the_users_takes_the_place_of_the_error():
    image = photo()[:, :256, :384]
    fewest_levels = NeverWorse(RateDistortion(), criterion=lambda scene, plan: float(len(plan.by_level())))
    assert np.array_equal(ps.plan(image, 50, fewest_levels).boxes, even_grid((256, 384), 50, 16).boxes)
    most_levels = NeverWorse(Random(), criterion=lambda scene, plan: -float(len(plan.by_level())))
    assert np.array_equal(ps.plan(image, 50, most_levels).boxes, ps.plan(image, 50, Random()).boxes)


def test_the_error_is_that_of_what_is_shown():
    image = noise(3, 50, 70, dtype=torch.float64)
    plan = ps.plan(image, 6)
    shown = ps.render(plan, ps.gather(image, plan))
    expected = float((shown - image).square().sum())
    near(shown_error(ps.Scene(image), plan), expected, "step")
    halves = torch.tensor([[0.0, 2.0]], dtype=torch.float64)
    right = float((shown - image).square()[..., 35:].sum())
    near(shown_error(ps.Scene(image, halves), plan), 2 * right, "step")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.data())
def test_an_even_grid_has_any_number_of_near_equal_boxes(h, w, data):
    tokens = data.draw(st.integers(1, -(-h // 8) * -(-w // 8)))
    plan = even_grid((h, w), tokens, 8)
    assert plan.tokens == tokens
    assert plan.is_partition
    _, columns = np.unique(plan.boxes[:, 0], return_counts=True)
    assert columns.max() - columns.min() <= 1


@pytest.mark.parametrize("options", [{"method": RateDistortion}, {"method": None}, {"criterion": "psnr"}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"(method|criterion) must be .*, got"):
        NeverWorse(**options)
