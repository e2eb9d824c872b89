"""Tiers by difficulty: the described tokens and levels for whole images, and for regions."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise, photo
from pyrascope.allocation.difficulty import Complexity, Glance
from pyrascope.methods import AdaptiveDepth, DifficultyTiers, DynamicPyramid, RegionTiers
from tolerances import near


@dataclass(frozen=True)
class Fixed:
    """A measure that says the mean of the image, so that a test decides it."""

    def __call__(self, scene):
        return float(scene.image.mean())


def counts(plan):
    return [len(tokens) for tokens in plan.by_level().values()]


def coarse_noise(*size):
    """Noise (3, *size) of 4 x 4 px blocks, which a glance sees."""
    return noise(3, size[0] // 4, size[1] // 4).repeat_interleave(4, 1).repeat_interleave(4, 2)


def shade(value, size=(1024, 1024)):
    """Noise of mean `value`."""
    image = noise(1, *size) * 0.1
    return image + (value - image.mean())


@pytest.mark.parametrize(
    ("difficulty", "expected"),
    [(0.2, [40, 50, 60]), (0.45, [55, 68, 70, 80]), (0.9, [60, 90, 100, 136, 64])],
)
def test_the_described_counts_of_levels_hold_without_a_budget(difficulty, expected):
    plan = ps.plan(shade(difficulty, (2048, 2048)), None, DifficultyTiers(difficulty=Fixed()))
    assert counts(plan) == expected, "level 4 has 64 cells, 36 of its 100 go to level 3"
    assert plan.tokens == {0.2: 150, 0.45: 273, 0.9: 450}[difficulty]


def test_with_a_budget_the_tier_decides_the_shares():
    image = shade(0.2, (2048, 2048))
    assert counts(ps.plan(image, 300, DifficultyTiers(difficulty=Fixed()))) == [80, 100, 120]
    harder = shade(0.9, (2048, 2048))
    method = DifficultyTiers(difficulty=Fixed(), thresholds=(0.5,), budgets=((1, 1), (3, 1)))
    assert [counts(ps.plan(each, 100, method)) for each in (image, harder)] == [[50, 50], [75, 25]]


def test_harder_images_of_several_get_more_of_a_joint_budget():
    plans = ps.plan([shade(0.2), shade(0.45), shade(0.9)], 873, DifficultyTiers(difficulty=Fixed()))
    assert [plan.tokens for plan in plans] == [150, 273, 450]


def test_within_a_level_tokens_go_where_they_add_the_most():
    image = torch.full((1, 256, 256), 0.5)
    image[:, 64:128, 128:192] = noise(1, 64, 64)
    plan = ps.plan(image, 40, DifficultyTiers())
    fine = plan.boxes[plan.levels.max(1) == 0]
    assert ((fine[:, :2] >= [64, 128]) & (fine[:, 2:] <= [128, 192])).all(1).sum() >= 10


def test_a_busier_photograph_is_in_a_higher_tier():
    images = [torch.full((3, 512, 512), 0.5), photo(), coarse_noise(512, 512)]
    tokens = [ps.plan(image, None, DifficultyTiers()).tokens for image in images]
    assert tokens[0] < tokens[1] < tokens[2]


# --- DynamicPyramid ---


@pytest.mark.parametrize(
    ("difficulty", "expected"),
    [(0.39, [30, 45, 75]), (0.41, [69, 68, 72, 64]), (0.69, [69, 68, 72, 64]), (0.71, [180, 135, 90, 31, 14])],
)
def test_the_dynamic_pyramid_is_deeper_and_finer_for_harder_images(difficulty, expected):
    plan = ps.plan(shade(difficulty), None, DynamicPyramid(difficulty=Fixed()))
    found = counts(plan)
    assert len(found) == (3 if difficulty < 0.4 else 4 if difficulty < 0.7 else 5)
    assert plan.tokens == (150 if difficulty < 0.4 else 273 if difficulty < 0.7 else 450)
    assert np.abs(np.subtract(found, expected)).max() <= 1, "level 3 has 64 cells; what it cannot hold goes to level 2"


def test_shares_of_the_dynamic_pyramid_follow_their_intent():
    easy, medium, hard = (ps.plan(shade(value), 200, DynamicPyramid(difficulty=Fixed())) for value in (0.2, 0.5, 0.9))
    share = [counts(plan)[0] / 200 for plan in (easy, medium, hard)]
    assert share == [0.2, 0.25, 0.4]
    assert counts(easy) == sorted(counts(easy)), "coarse-heavy"
    assert counts(hard) == sorted(counts(hard), reverse=True), "fine-heavy"


def test_the_dynamic_pyramid_looks_where_the_question_asks():
    image = photo()[:, :256, :256]
    features = torch.zeros(16, 16, 3)
    features[..., 2] = 1
    features[1, 13], features[12, 3] = torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0])
    plans = [
        ps.plan(image, 30, DynamicPyramid(), context=ps.Context(query=torch.eye(3)[k], features=features))
        for k in (0, 1)
    ]
    for plan, other, box in ((*plans, [16.0, 208, 32, 224]), (*plans[::-1], [192.0, 48, 208, 64])):
        assert box in plan.boxes.tolist()
        assert plan.scores[plan.boxes.tolist().index(box)] == plan.scores[plan.levels.max(1) == 0].max()
        assert plan != other
    attention = torch.zeros(16, 16)
    attention[5, 6] = 1
    plan = ps.plan(image, 30, DynamicPyramid(), context=ps.Context(attention=attention))
    assert [80.0, 96, 96, 112] in plan.boxes.tolist()


# --- RegionTiers ---


def test_regions_get_grids_of_64_144_and_400_by_their_difficulty():
    image = torch.cat([torch.full((1, 320, 320), value) for value in (0.1, 0.45, 0.9)], 2)
    plan = ps.plan(image, None, RegionTiers(difficulty=Fixed()))
    column = (plan.boxes[:, 1] // 320).astype(int)
    assert np.bincount(column).tolist() == [64, 144, 400]
    for place, side in enumerate((8, 12, 20)):
        boxes = plan.boxes[column == place]
        near(boxes[:, 2:] - boxes[:, :2], np.full((side * side, 2), 320 / side), "transform")
    np.testing.assert_array_equal(plan.scores, 1)
    assert plan.is_partition


def test_a_budget_is_shared_by_the_counts_of_the_regions():
    image = torch.cat([torch.full((1, 320, 320), value) for value in (0.1, 0.45, 0.9)], 2)
    for budget, expected in ((304, [32, 72, 200]), (3, [1, 1, 1]), (1200, [400] * 3)):
        plan = ps.plan(image, budget, RegionTiers(difficulty=Fixed()))
        assert np.bincount((plan.boxes[:, 1] // 320).astype(int)).tolist() == expected
    assert ps.plan(image, 2, RegionTiers(difficulty=Fixed())).tokens == 2


def test_regions_whose_attention_is_spread_are_hard():
    features = torch.zeros(20, 40, 2)
    features[:, :20, 0] = 1  # in the left region the query agrees with everything,
    features[10, 30, 0] = 1000  # in the right one with a single cell
    context = ps.Context(query=torch.tensor([1.0, 0.0]), features=features)
    plan = ps.plan(torch.full((1, 320, 640), 0.5), None, RegionTiers(), context=context)
    assert np.bincount((plan.boxes[:, 1] // 320).astype(int)).tolist() == [400, 64]


# --- AdaptiveDepth ---


def half_noise(size):
    """Noise above, a plain colour below."""
    image = torch.full((3, *size), 0.5)
    image[:, : size[0] // 2] = coarse_noise(size[0] // 2, size[1])
    return image


def test_a_busier_image_has_a_deeper_pyramid():
    simple = torch.full((3, 512, 512), 0.5)
    simple[:, :32, :32] = noise(3, 32, 32)
    busy = half_noise((512, 512))
    depths = [int(ps.plan(image, 70, AdaptiveDepth()).levels.max()) + 1 for image in (simple, busy)]
    assert depths == [3, 5]
    assert int(ps.plan(simple, 70).levels.max()) + 1 > 3, "the method itself has no such limit"
    assert [Glance()(ps.Scene(image)) > 0.46 for image in (simple, busy)] == [False, True]


def test_the_depth_yields_where_the_budget_needs_it():
    simple = torch.full((3, 512, 512), 0.5)
    largest = [ps.plan(simple, budget, AdaptiveDepth()).levels.max() for budget in (64, 63, 16, 15, 4, 1)]
    assert largest == [2, 3, 3, 4, 4, 5]
    small = torch.full((3, 64, 64), 0.5)
    for images, expected in (([simple, small], [3, 2]), ([small, simple], [2, 3])):
        plans = ps.plan(images, 20, AdaptiveDepth())
        assert [plan.levels.max() for plan in plans] == expected, "the limit of the larger image yields"


def test_a_pyramid_deep_enough_is_that_of_the_method():
    image = photo()[:, :256, :256]
    for method in (ps.methods.RateDistortion(), ps.methods.RateDistortion(aspect=1)):
        for budget in (1, 40):
            deep = ps.plan(image, budget, AdaptiveDepth(method=method, depths=(9,), thresholds=()))
            np.testing.assert_array_equal(deep.boxes, ps.plan(image, budget, method).boxes)
            np.testing.assert_array_equal(deep.scores, ps.plan(image, budget, method).scores)


@pytest.mark.parametrize("kind", [DifficultyTiers, DynamicPyramid, RegionTiers, AdaptiveDepth])
def test_wrong_options_are_refused(kind):
    with pytest.raises(ValueError, match=r"thresholds must be 2 finite numbers, none below 0, ascending, got \(0.7, 0"):
        kind(thresholds=(0.7, 0.4))
    for wrong in (0.5, Complexity, "Complexity()"):
        with pytest.raises(TypeError, match="difficulty must be a measure of it, made, such as Complexity"):
            kind(difficulty=wrong)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: DifficultyTiers(budgets=3), "budgets must be for each class the tokens of its levels"),
        (lambda: DifficultyTiers(budgets=((1, 2), 3, (4,))), "budgets must be for each class"),
        (lambda: DifficultyTiers(budgets=((0, 0), (1,), (2,))), "budgets must be .*, not all 0, got"),
        (lambda: DifficultyTiers(budgets=((1, -2), (1,), (2,))), "a count in budgets must be a whole number >= 0"),
        (lambda: RegionTiers(tokens=(400, 144, 64)), "tokens must be ascending whole numbers, easy first"),
        (lambda: RegionTiers(tokens=()), "tokens must be ascending whole numbers, easy first"),
        (lambda: AdaptiveDepth(depths=()), "depths must be numbers of levels"),
        (lambda: AdaptiveDepth(depths=(0, 4, 5)), "a depth in depths must be a whole number >= 1, got 0"),
        (lambda: AdaptiveDepth(method=ps.methods.Resize()), "method must be a partition such as RateDistortion"),
    ],
)
def test_options_that_do_not_fit_are_refused(make, match):
    with pytest.raises((TypeError, ValueError), match=match):
        make()
