"""ProgressiveLevels: coarse everywhere, the described shares of finer views, the numbers of a region, the reduction."""

import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise, photo
from pyrascope.methods import ProgressiveLevels, reduction
from tolerances import near


def counts(plan):
    return {level: len(tokens) for level, tokens in plan.by_level().items()}


@pytest.mark.parametrize("budget", [1, 2, 7, 40, 200, 700, 1200, 1536])
def test_the_coarse_level_covers_everything_and_the_rest_is_spent_on_finer_ones(budget):
    plan = ps.plan(photo(), budget, ProgressiveLevels())
    coarse = plan.levels.max()
    side = 16 * 2**coarse
    of_coarse = (plan.levels == coarse).all(1)
    assert of_coarse.sum() == -(-512 // side) * -(-768 // side)
    assert ps.Plan(
        plan.boxes[of_coarse], plan.levels[of_coarse], plan.scores[of_coarse], plan.image_size, 16, "coarse"
    ).is_partition
    assert of_coarse.sum() <= budget * 64 / 142.4 or budget < 3
    assert coarse - plan.levels.min() <= 2


def test_finer_views_have_the_described_proportion():
    for budget in (256, 640):
        views = list(counts(ps.plan(photo(), budget, ProgressiveLevels())).values())
        fine, middle, _ = views
        assert fine / middle == pytest.approx(0.1 * 400 / (0.3 * 128), rel=0.02)
    for share in (0.1, 0):
        two_views = ProgressiveLevels(shares=(1, share), tokens_per_region=(64, 400))
        assert len(counts(ps.plan(photo(), 256, two_views))) == 2


def test_the_numbers_of_a_region_hold_without_a_budget():
    image = noise(1, 640, 1600) * 0.1 + 0.5  # 2 x 5 regions of 20 x 20 cells: top 30 % are 3, top 10 % is 1
    image[:, 320:, 960:1280] = noise(1, 320, 320)
    image[:, :320, :640] = 0.5 + 0.3 * (noise(1, 320, 640) - 0.5)
    plan = ps.plan(image, None, ProgressiveLevels())
    assert plan.tokens == 10 * 64 + 3 * 128 + 1 * 400
    corners = np.floor(plan.boxes[:, :2] / 320).astype(int)
    fine = plan.levels.max(1) == 0
    assert fine.sum() == 400
    assert (corners[fine] == [1, 3]).all()
    native = plan.boxes[fine]
    assert (native[:, 2:] - native[:, :2] == 16).all()
    places, number = np.unique(corners, axis=0, return_counts=True)
    assert dict(zip(map(tuple, places.tolist()), number.tolist(), strict=True)) == {
        (row, column): 64 + 128 * ((row, column) in [(0, 0), (0, 1), (1, 3)]) + 400 * ((row, column) == (1, 3))
        for row in range(2)
        for column in range(5)
    }
    assert plan.coverage == 1
    assert not plan.is_partition
    near(reduction([plan]), 1 - 142.4 / 400, "step")


def test_other_counts_a_region_are_grids_too():
    image = noise(1, 192, 192)
    plan = ps.plan(image, None, ProgressiveLevels(shares=(1, 1), tokens_per_region=(16, 144)))
    assert list(counts(plan).values()) == [144, 16]
    near(np.unique(plan.levels), [0, np.log2(3)], "step")


def test_frames_of_a_video_are_planned_alike_and_their_reduction_is_told():
    frames = [noise(3, 320, 320, seed=seed) for seed in range(3)]
    plans = ps.plan(frames, None, ProgressiveLevels())
    assert [plan.tokens for plan in plans] == [64] * 3, "of one region, neither 30 % nor 10 % are one"
    assert reduction(plans) == 1 - 64 / 400
    plans = ps.plan(frames, 12, ProgressiveLevels())
    assert [plan.tokens for plan in plans] == [4] * 3
    assert reduction(plans) == 0.99


def test_two_queries_give_two_plans():
    image = photo()[:, :256, :256]
    features = torch.zeros(16, 16, 3)
    features[..., 2] = 1
    features[2:4, 12:14] = torch.tensor([1.0, 0, 0])
    features[10:12, 2:4] = torch.tensor([0.0, 1, 0])
    for query, place in ((0, (2, 12)), (1, (10, 2))):
        context = ps.Context(query=torch.eye(3)[query], features=features)
        plan = ps.plan(image, 40, ProgressiveLevels(), context=context)
        finest = plan.boxes[plan.levels.max(1) == 0] // 16
        inside = (finest[:, :2] >= place) & (finest[:, :2] < np.add(place, 2))
        assert len(finest) >= 4
        assert inside.all(1).sum() == 4
        # of the middle view too, the cell that holds the place is taken
        assert (plan.boxes[plan.levels.max(1) == 1] // 16)[:, :2].tolist().count([*map(float, place)]) == 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"shares": (0.5, 0.3, 0.1)}, "shares must be descending numbers from 1 to 0, coarse first"),
        ({"shares": (1, 0.1, 0.3)}, "shares must be descending"),
        ({"shares": (1, 0.1, -0.3)}, "shares must be descending"),
        ({"shares": 1}, "shares must be descending"),
        ({"shares": ()}, "shares must be descending"),
        ({"shares": (1, 0.5)}, "tokens_per_region must be 2 ascending whole numbers, one for each of shares"),
        ({"tokens_per_region": (400, 128, 64)}, "tokens_per_region must ascend, coarse first"),
        ({"tokens_per_region": (64, 64, 400)}, "tokens_per_region must ascend"),
        ({"tokens_per_region": (0, 64, 400)}, "a count in tokens_per_region must be a whole number from 1"),
    ],
)
def test_wrong_options_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        ProgressiveLevels(**options)


def test_half_a_region_is_rounded_up():
    """Of five regions of 20 x 20 cells: all in 64 tokens, 1.5 in 128, 0.5 in 400."""
    plan = ps.plan(noise(3, 40, 200), None, ProgressiveLevels(), 2)
    assert plan.tokens == 5 * 64 + 2 * 128 + 400
