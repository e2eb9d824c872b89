import numpy as np
import pytest

import pyrascope as ps
from pictures import noise, photo
from pyrascope.allocation.cover import covered_area
from pyrascope.methods import Random, RateDistortion, SaliencyPyramid, Uniform, WithContext


def rows(boxes):
    return {tuple(box) for box in boxes.tolist()}


@pytest.mark.parametrize("share", [0.05, 0.125, 0.4])
def test_coarse_boxes_lie_under_everything(share):
    plan = ps.plan(photo(), 200, WithContext(share=share))
    coarse = rows(ps.plan(photo(), round(200 * share), Uniform()).boxes)
    assert plan.tokens == 200
    assert len(coarse & rows(plan.boxes)) >= len(coarse) - 2
    assert not plan.is_partition
    assert plan.coverage == 1
    scores = plan.scores[[tuple(box) in coarse for box in plan.boxes.tolist()]]
    assert (scores == 0).sum() > len(coarse) / 2


def test_the_other_boxes_are_the_methods_own():
    plan = ps.plan(photo(), 200, WithContext())
    coarse = rows(ps.plan(photo(), 25, Uniform()).boxes)
    rest = rows(plan.boxes) - coarse
    own = [rows(ps.plan(photo(), budget, RateDistortion()).boxes) for budget in range(175, 190)]
    assert any(rest <= boxes for boxes in own)


def test_places_that_a_method_leaves_out_are_seen_coarsely():
    alone = ps.plan(photo(), 100, SaliencyPyramid(levels=1))
    assert alone.coverage < 0.5
    plan = ps.plan(photo(), 100, WithContext(SaliencyPyramid(levels=1)))
    assert plan.coverage == 1
    assert covered_area(plan.boxes[plan.scores > 0]) < 0.5 * 512 * 768


@pytest.mark.parametrize("seed", range(3))
def test_no_box_comes_twice_at_any_budget(seed):
    image = noise(1, 60, 90)
    for budget in range(1, 97):
        plan = ps.plan(image, budget, WithContext(Random(seed), share=0.3), cell=8)
        assert plan.tokens == budget == len(np.unique(plan.boxes, axis=0))


@pytest.mark.parametrize("options", [{"share": 0}, {"share": 1}, {"share": True}, {"method": RateDistortion}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"(share|method) must be .*, got"):
        WithContext(**options)
