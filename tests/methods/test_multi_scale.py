import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise, photo
from pyrascope.methods import MultiScale


def counts(plan, side, size):
    """Tokens in each square region of `side` px."""
    centres = ((plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2 // side).astype(int)
    found = np.zeros([-(-n // side) for n in size], dtype=int)
    np.add.at(found, tuple(centres.T), 1)
    return found


def known(place, d=8):
    """Features of 8x8 cells, all of one kind but one place, and the query for that."""
    features = torch.zeros(8, 8, d)
    features[..., 0] = 1
    features[place] = torch.eye(d)[1]
    return ps.Context(features=features, query=torch.eye(d)[1])


def test_two_queries_give_two_plans_with_the_tokens_where_they_point():
    image = noise(3, 256, 256)
    places = [(1, 1), (6, 5)]
    plans = [ps.plan(image, 64, MultiScale(region=4), context=known(place)) for place in places]
    assert plans[0] != plans[1]
    for plan, (y, x) in zip(plans, places, strict=True):
        found = counts(plan, 64, (256, 256))
        assert np.unravel_index(found.argmax(), found.shape) == (y // 2, x // 2)


def test_coarse_levels_spread_relevance_to_the_neighbours():
    image, place = noise(1, 256, 256), (3, 3)
    plans = [ps.plan(image, 90, MultiScale(levels=levels, region=2), context=known(place)) for levels in (1, 3)]
    fine, coarse = (counts(plan, 32, (256, 256)) for plan in plans)
    assert fine[3, 3] == coarse[3, 3] == 4
    assert coarse[2:5, 2:5].sum() > fine[2:5, 2:5].sum()


def test_without_a_budget_regions_have_64_to_400_tokens_in_grids():
    plan = ps.plan(noise(3, 640, 640) * torch.linspace(0, 1, 640).square(), None, MultiScale())
    found = counts(plan, 320, (640, 640))
    assert 64 <= found.min() < found.max() == 400
    calm = torch.full((1, 640, 640), 0.5)
    calm[:, :320, :320] = noise(1, 320, 320)
    found = counts(ps.plan(calm, None, MultiScale(levels=1)), 320, (640, 640))
    assert found.tolist()[0][0] == 400
    assert found[1, 1] == 64
    assert found.sum() == ps.plan(calm, None, MultiScale(levels=1)).tokens


def test_every_region_keeps_to_its_bounds():
    image = photo()
    for budget in (192, 500, 768):
        plan = ps.plan(image, budget, MultiScale(region=8, minimum=8, maximum=32))
        found = counts(plan, 128, (512, 768))
        assert found.sum() == budget
        assert (found.min(), found.max()) >= (8, 8)
        assert found.max() <= 32


@pytest.mark.parametrize("budget", [191, 769])
def test_bounds_that_cannot_meet_the_budget_are_refused_with_the_range(budget):
    with pytest.raises(ValueError, match=f"budget must be a whole number from 192 to 768, got {budget}; 24 regions"):
        ps.plan(photo(), budget, MultiScale(region=8, minimum=8, maximum=32))


@pytest.mark.parametrize(
    "options", [{"levels": 0}, {"region": 0}, {"minimum": 0}, {"minimum": 9, "maximum": 8}, {"region": 2, "minimum": 5}]
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"(levels|region|minimum) must be .*, got"):
        MultiScale(**options)


def test_an_attention_map_says_where_as_well():
    attention = torch.zeros(12, 12)
    attention[7, 4] = 1
    found = counts(
        ps.plan(noise(1, 192, 192), 40, MultiScale(region=2), context=ps.Context(attention=attention)), 32, (192, 192)
    )
    assert np.unravel_index(found.argmax(), found.shape) == (3, 2)


def test_busy_regions_get_more_tokens_and_the_picture_gains():
    image = torch.full((1, 256, 256), 0.5)
    image[:, 64:128, 128:192] = noise(1, 64, 64)
    plan = ps.plan(image, 40, MultiScale(region=4))
    assert counts(plan, 64, (256, 256))[1, 2] == 16, "all its cells"
