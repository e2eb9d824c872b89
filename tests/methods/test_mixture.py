import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise, photo
from pyrascope.methods import Foveated, Mixture, Random, RateDistortion, Uniform
from pyrascope.methods.mixture import tokens_of_cells
from tolerances import near

CONTEXT = ps.Context(fixation=(256, 100))


def tokens_left(plan):
    """Tokens in the left third of the photograph."""
    return float(tokens_of_cells(plan)[:, :16].sum())


def test_the_density_of_a_plan_counts_every_token_once():
    for budget in (1, 7, 40):
        plan = ps.plan(noise(1, 50, 90), budget, Random(budget), cell=8)
        density = tokens_of_cells(plan)
        assert density.shape == (7, 12)
        near(float(density.sum()), budget, "step")
    near(tokens_of_cells(ps.plan(noise(1, 50, 90), 84, Uniform(), cell=8)), np.ones((7, 12)), "step")


def test_tokens_are_as_dense_as_the_weighted_mean_of_the_parts():
    parts = RateDistortion(), Foveated()
    alone = [tokens_of_cells(ps.plan(photo(), 200, method, context=CONTEXT)) for method in parts]
    for weights in ((1, 0), (1, 1), (1, 3), (0, 1)):
        wanted = sum(w / sum(weights) * each for w, each in zip(weights, alone, strict=True))
        plan = ps.plan(photo(), 200, Mixture(parts, weights), context=CONTEXT)
        coarse = [
            each.reshape(4, 8, 6, 8).sum((1, 3)).flatten() for each in (tokens_of_cells(plan), wanted)
        ]  # squares of 8x8 cells
        assert np.corrcoef(*coarse)[0, 1] > 0.95
        np.testing.assert_allclose(*coarse, atol=10)


def test_more_weight_moves_tokens_to_that_method():
    parts = RateDistortion(), Foveated()
    left = [
        tokens_left(ps.plan(photo(), 200, Mixture(parts, weights), context=CONTEXT))
        for weights in ((1, 0), (3, 1), (1, 3), (0, 1))
    ]
    assert (np.diff(left) > 0).all(), left


def test_several_images_share_a_budget_as_their_parts_do():
    calm, busy = torch.full((3, 96, 96), 0.5), noise(3, 96, 96)
    plans = ps.plan([calm, busy], 30, Mixture((RateDistortion(), Uniform())))
    assert plans[0].tokens + plans[1].tokens == 30
    assert 1 < plans[0].tokens < 15 < plans[1].tokens


@pytest.mark.parametrize(
    "options",
    [{"methods": ()}, {"methods": RateDistortion()}, {"methods": (RateDistortion,)}, {"weights": (1,)},
     {"weights": (0, 0)}, {"weights": (1, -1)}, {"weights": (1, float("nan"))}, {"weights": (True, 1)}],
)  # fmt: skip
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"(methods|weights) must be .*, got"):
        Mixture(**options)
