"""SaliencyPyramid: what stands out is seen finely, coarse levels count more, the best of all levels are taken."""

import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise, photo

SaliencyPyramid = ps.methods.SaliencyPyramid


def spot(size, y, x, side=16):
    image = torch.full((3, *size), 0.5)
    image[:, y : y + side, x : x + side] = noise(3, side, side)
    return image


def test_the_place_that_stands_out_is_seen_finely():
    plan = ps.plan(spot((256, 256), 160, 64), 12, SaliencyPyramid())
    fine = plan.boxes[(plan.levels == 0).all(1)]
    assert [160, 64, 176, 80] in fine.tolist()
    near = (np.abs((fine[:, :2] + fine[:, 2:]) / 2 - [168, 72]) <= 48).all(1)
    assert near.all()


def test_tokens_come_from_the_levels_asked_for():
    for levels in (1, 2, 4, 9):
        plan = ps.plan(photo(), 300, SaliencyPyramid(levels=levels))
        assert plan.levels.max() <= levels - 1
    assert ps.plan(photo(), 300, SaliencyPyramid(levels=1)).levels.max() == 0


def test_weights_move_tokens_between_the_levels():
    image = photo()
    means = [
        ps.plan(image, 200, SaliencyPyramid(weights=weights)).levels.mean()
        for weights in ((2, 1.5, 1, 0.5), (1, 1, 1, 1), (0.5, 1, 1.5, 2))
    ]
    assert means[0] < means[1] < means[2], "the last are the default: coarse levels first, as is meant"
    assert ps.plan(image, 200, SaliencyPyramid(weights=(0.5, 1, 1.5, 2))).boxes.tolist() == (
        ps.plan(image, 200, SaliencyPyramid()).boxes.tolist()
    )
    only = ps.plan(image, 96, SaliencyPyramid(weights=(0, 0, 1, 0)))
    assert (only.levels == 2).all()


def test_the_best_tokens_stay_when_the_budget_grows():
    image = photo()[:, :256, :256]
    small, large = (ps.plan(image, budget, SaliencyPyramid()) for budget in (40, 90))
    taken = {(*box, *level) for box, level in zip(large.boxes.tolist(), large.levels.tolist(), strict=True)}
    assert all((*box, *level) in taken for box, level in zip(small.boxes.tolist(), small.levels.tolist(), strict=True))
    assert small.scores.min() >= np.sort(large.scores)[::-1][40]


def test_images_share_a_budget_by_what_stands_out_in_them():
    calm, busy = torch.full((3, 128, 128), 0.5), spot((128, 128), 32, 32, 64)
    assert [plan.tokens for plan in ps.plan([calm, busy], 30, SaliencyPyramid())] == [1, 29]


@pytest.mark.parametrize("weights", [(1, 2), (1, 2, 3, -1), (1, 2, 3, float("inf")), "abcd", 3, (1, 2, 3, "4")])
def test_wrong_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be 4 finite numbers, not negative, one a level, got"):
        SaliencyPyramid(weights=weights)
