"""The export of plans: exact token counts or a refusal that names what can be had, and views where the plan looks."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.allocation.export.crops import LONGEST, SQUEEZE, fixed_crops, grid_crops
from pyrascope.allocation.export.detail import Detail, View
from pyrascope.methods import Random
from tolerances import near, room

SIDES = st.integers(1, 300)


def boxes_of(size, budget, seed=0, cell=8):
    image = np.zeros((*size, 3), np.float32)
    most = -(-size[0] // cell) * -(-size[1] // cell)
    return ps.plan(image, min(budget, most), Random(seed), cell).boxes


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, st.integers(1, 120), st.integers(1, 9), st.integers(0, 3))
def test_grids_are_exact_and_within_the_limits_or_refused(height, width, budget, least, seed):
    boxes = boxes_of((height, width), budget, seed)
    patch = 7
    try:
        crops = grid_crops(boxes, (height, width), patch, least * patch**2 - 3, 60 * patch**2)
    except ValueError as error:
        near = [int(text) for text in re.findall(r"\d+", str(error).split("such as")[1])]
        assert near or max(height, width) > 4 * min(height, width)
        assert len(boxes) not in near
        for budget in near[:2]:  # what is named can be had
            many = np.tile(boxes, (-(-budget // len(boxes)), 1))[:budget]
            assert sum(c.tokens for c in grid_crops(many, (height, width), patch, least * 49, 60 * 49)) == budget
        return
    assert sum(crop.tokens for crop in crops) == len(boxes)
    assert crops[0].box == (0, 0, height, width)
    for crop in crops:
        rows, columns = crop.size[0] // patch, crop.size[1] // patch
        assert (rows * patch, columns * patch, rows * columns) == (*crop.size, crop.tokens)
        assert least <= crop.tokens <= 60
        y0, x0, y1, x1 = crop.box
        assert 0 <= y0 < y1 <= height
        assert 0 <= x0 < x1 <= width
    for crop in crops[1:]:
        assert max(crop.size) <= LONGEST * min(crop.size)
    squeeze = (height / crops[0].size[0]) / (width / crops[0].size[1])
    assert max(squeeze, 1 / squeeze) <= SQUEEZE + room(SQUEEZE)


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, st.integers(1, 6), st.integers(1, 9), st.integers(1, 60), st.integers(1, 60))
def test_fixed_counts_are_exact(height, width, crops, each, tall, wide):
    boxes = np.tile(boxes_of((height, width), crops * each), (crops * each, 1))[: crops * each]
    made = fixed_crops(boxes, (height, width), each, (tall, wide))
    assert [crop.tokens for crop in made] == [each] * crops
    assert {crop.size for crop in made} == {(tall, wide)}
    assert made[0].box == (0, 0, height, width)
    for crop in made:
        y0, x0, y1, x1 = crop.box
        assert 0 <= y0 < y1 <= height
        assert 0 <= x0 < x1 <= width


def test_every_budget_from_two_of_the_smallest_images_up_is_reached():
    boxes = boxes_of((96, 144), 216)
    for budget in (8, 11, 13, 97, 151, 211, 216):
        crops = grid_crops(np.tile(boxes, (2, 1))[:budget], (96, 144), 8, 4 * 64)
        assert sum(crop.tokens for crop in crops) == budget


def test_a_uniform_plan_of_a_grid_is_one_image():
    plan = ps.plan(np.zeros((96, 144, 3), np.float32), 24, ps.methods.Resize(), cell=8)
    assert plan.crops() == [ps.Crop((0, 0, 96, 144), (32, 48), 24)]


def test_the_full_native_grid_is_the_image_itself():
    plan = ps.plan(np.zeros((96, 144, 3), np.float32), 216, cell=8)
    assert plan.crops() == [ps.Crop((0, 0, 96, 144), (96, 144), 216)]


@pytest.mark.parametrize("options", [{"patch": 16}, {"tokens_per_crop": 16, "size": 64}])
def test_crops_look_where_the_plan_does(options):
    image = np.zeros((256, 384, 3), np.float32)
    image[160:224, 288:352] = np.random.default_rng(0).random((64, 64, 3))  # 16 native cells
    crop = ps.plan(image, 32, cell=16).crops(**options)[1]
    y0, x0, y1, x1 = crop.box
    inside = max(0, min(y1, 224) - max(y0, 160)) * max(0, min(x1, 352) - max(x0, 288))
    assert inside > 0.7 * 64 * 64
    assert (y1 - y0) * (x1 - x0) < 3 * 64 * 64


def test_detail_counts_what_is_wanted_and_shown_once():
    boxes = np.array([[0, 0, 20, 20], [20, 0, 40, 40], [0, 20, 10, 30], [10, 20, 20, 30], [0, 30, 20, 40]], float)
    detail = Detail(boxes, (40, 40))
    near(detail.wanted.sum(), 5, "step")
    near(detail.wanted[:20, :20].sum(), 1, "step")
    near(detail.wanted[:10, 20:30].sum(), 1, "step")
    for _ in range(2):  # the same view twice adds nothing
        detail.show(View((0, 0, 40, 40), 2, (8, 8)))
        np.testing.assert_allclose(detail.delivered, 0.5 + 1 + 3 * 0.125 + 0.125, atol=0.3)
    detail.show(View((0, 0, 40, 40), 1600, (40, 40)))
    near(detail.delivered, 5, "step")


def test_the_best_place_is_the_best_of_all_places():
    image = np.zeros((24, 32, 3), np.float32)
    image[10:20, 18:30] = np.random.default_rng(0).random((10, 12, 3))
    start = Detail(ps.plan(image, 30, cell=2).boxes, (24, 32))
    start.show(View((0, 0, 24, 32), 3, (24, 32)))
    best = start.copy()
    view = best.show_best([(9, (6, 6))])
    side = view.box[2] - view.box[0]
    found = []
    for y in range(24 - side + 1):
        for x in range(32 - side + 1):
            one = start.copy()
            one.show(View((y, x, y + side, x + side), 9, (6, 6)))
            found.append(one.delivered)
    assert best.delivered > min(found) + 1
    near(best.delivered, max(found), "step")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"tokens_per_crop": 5, "size": 8}, ValueError, "multiple of 5 tokens (5, 10, 15, 20, ...), got 12"),
        ({"tokens_per_crop": 4}, ValueError, "either patch, or tokens_per_crop and size"),
        ({"size": 4}, ValueError, "either patch, or tokens_per_crop and size"),
        ({"tokens_per_crop": 4, "size": (1, 2, 3)}, ValueError, "a side or (height, width)"),
        ({"tokens_per_crop": 4, "size": 8, "patch": 8}, ValueError, "either patch, or tokens_per_crop and size"),
        ({"patch": 0}, ValueError, "patch must be a whole number >= 1, got 0"),
        ({"patch": 2.5}, TypeError, "patch must be a whole number"),
        ({"min_pixels": 13 * 64}, ValueError, "plan with a budget such as"),
        ({"min_pixels": 10**8}, ValueError, "plan with a budget such as"),
        ({"min_pixels": 640, "max_pixels": 600}, ValueError, "max_pixels must be a whole number >= 640"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(options, error, words):
    plan = ps.plan(np.zeros((48, 48, 3), np.float32), 12, Random(0), cell=8)
    with pytest.raises(error, match=re.escape(words)):
        plan.crops(**options)


@pytest.mark.parametrize("size", [(16, 6000), (6000, 16)])
def test_no_image_is_longer_than_a_processor_takes(size):
    """Qwen's refuses a ratio of sides above 200."""
    crops = ps.plan(noise(1, *size), 250).crops(patch=28)
    assert sum(crop.tokens for crop in crops) == 250
    assert all(max(crop.size) <= 200 * min(crop.size) for crop in crops)


def test_a_picture_that_no_image_shows_is_refused():
    plan = ps.plan(noise(1, 16, 30000), 480)
    with pytest.raises(
        ValueError, match=r"480 tokens cannot be made up of images .* 16x30000 px; .* the image is too long"
    ):
        plan.crops(patch=28)
