import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

import pyrascope as ps
from pictures import noise, photo
from pyrascope.allocation.plan import Plan
from pyrascope.evaluation.pictures.metrics import psnr
from pyrascope.methods.never_worse import even_grid
from pyrascope.signal.resample import resize
from pyrascope.signal.ripmap import Ripmap
from tolerances import near

METHODS = [ps.methods.RateDistortion(), ps.methods.RateDistortion(aspect=1), ps.methods.Uniform(), ps.methods.Random()]


def shown(image, plan):
    return ps.render(plan, ps.gather(image, plan))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([4, 7, 16]), st.data())
def test_constants_are_shown_exactly_at_every_size_and_budget(h, w, cell, data):
    image = torch.full((1, h, w), 0.6, dtype=torch.float64)
    full = -(-h // cell) * -(-w // cell)
    budget = data.draw(st.integers(1, full))
    for method in (*METHODS, ps.methods.Resize()):
        near(shown(image, ps.plan(image, budget, method, cell)), image)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(64, 64), (50, 37), (3, 90)])
def test_the_full_budget_shows_the_image(method, size):
    image = noise(2, *size, dtype=torch.float64)
    full = -(-size[0] // 8) * -(-size[1] // 8)
    near(shown(image, ps.plan(image, full, method, 8)), image, "step")


def test_resize_is_magnified_as_a_whole():
    image = photo()[:, :160, :240]
    plan = ps.plan(image, 20, ps.methods.Resize())
    small = resize(image, (len(np.unique(plan.boxes[:, 0])) * 16, len(np.unique(plan.boxes[:, 1])) * 16))
    assert_close(shown(image, plan), resize(small, (160, 240)), atol=1e-4, rtol=0)


def test_boxes_of_one_level_are_magnified_as_a_whole_up_to_the_border():
    image = noise(1, 60, 48, dtype=torch.float64)
    boxes = [[0, 0, 32, 32], [0, 32, 32, 48], [32, 0, 60, 32], [32, 32, 60, 48]]
    plan = Plan(boxes, [[1, 1]] * 4, [0] * 4, (60, 48), 16, "by hand")
    level = torch.nn.functional.pad(Ripmap(image)[1, 1][None], (0, 8, 0, 2), mode="replicate")[0]
    near(shown(image, plan), resize(level, (64, 64))[:, :60, :48])


def test_a_smooth_picture_has_no_seams_between_levels():
    y, x = torch.meshgrid(torch.linspace(0, 1, 96), torch.linspace(0, 1, 128), indexing="ij")
    image = (0.5 + 0.3 * torch.sin(3 * y + 2 * x))[None]
    for seed in range(3):
        plan = ps.plan(image, 12, ps.methods.Random(seed))
        difference = (shown(image, plan) - image)[:, 8:-8, 8:-8]
        assert difference.abs().max() < 0.02


def test_small_boxes_lie_over_large_ones():
    image = noise(1, 32, 32)
    plan = Plan([[0, 0, 32, 32], [8, 8, 24, 24]], [[1, 1], [0, 0]], [0, 0], (32, 32), 16, "by hand")
    near(shown(image, plan)[:, 8:24, 8:24], image[:, 8:24, 8:24], "step")


def test_places_without_a_box_are_zero():
    image = torch.ones(1, 32, 32)
    plan = Plan([[0, 0, 16, 16]], [[0, 0]], [0], (32, 32), 16, "by hand")
    expected = torch.zeros(1, 32, 32)
    expected[:, :16, :16] = 1
    near(shown(image, plan), expected, "step")


def test_better_than_resize_on_the_photograph():
    image = photo()
    best = shown(image, ps.plan(image, 256))
    plain = shown(image, ps.plan(image, 256, ps.methods.Resize()))
    assert psnr(best, image) > psnr(plain, image) + 4


def test_gradient_flows_to_the_tokens():
    plan = ps.plan(noise(1, 20, 24), 5, cell=4)
    tokens = noise(5, 1, 4, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda tokens: ps.render(plan, tokens), tokens, fast_mode=True)


def test_boxes_off_the_lattice_show_native_pixels_exactly_and_constants():
    image = noise(2, 40, 50, dtype=torch.float64)
    boxes, levels = [[3, 5, 19, 21], [20, 7, 36, 23]], [[0, 0], [0, 0]]
    plan = Plan([[0, 0, 40, 50], *boxes], [[1.5, 1.7], *levels], [0] * 3, (40, 50), 16, "by hand")
    picture = shown(image, plan)
    for y0, x0, y1, x1 in boxes:
        near(picture[:, y0:y1, x0:x1], image[:, y0:y1, x0:x1], "step")
    near(shown(torch.full_like(image, 0.6), plan), torch.full_like(image, 0.6))


def test_a_grid_with_rows_of_unequal_counts_is_shown_as_well_as_a_plain_resize():
    image = photo()
    for budget in (64, 250):
        uneven = even_grid((512, 768), budget, 16)
        plain = ps.plan(image, budget, ps.methods.Resize())
        assert uneven.tokens == budget > plain.tokens
        assert psnr(shown(image, uneven), image) > psnr(shown(image, plain), image) - 0.02


def test_gradient_flows_to_the_tokens_of_boxes_off_the_lattice():
    plan = even_grid((20, 24), 7, 4)
    tokens = noise(7, 1, 4, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda tokens: ps.render(plan, tokens), tokens, fast_mode=True)


@pytest.mark.parametrize(("size", "budget"), [((16, 5000), 1), ((5000, 16), 7), ((1, 3000), 2), ((24, 9000), 40)])
def test_a_strip_is_rendered_in_memory_of_its_own_size(size, budget, monkeypatch):
    """Its boxes reach far over the border; what is painted there is never made."""
    made = []
    fresh = torch.Tensor.new_zeros

    def watched(self, shape, **options):
        made.append(torch.Size(shape).numel())
        return fresh(self, shape, **options)

    image = noise(3, *size)
    plan = ps.plan(image, budget)
    tokens = ps.gather(image, plan)
    monkeypatch.setattr(torch.Tensor, "new_zeros", watched)
    shown = ps.render(plan, tokens)
    assert made
    assert max(made) <= 2 * image.numel()
    small = torch.nn.functional.avg_pool2d(image[None], (1, size[1]) if size[1] > size[0] else (size[0], 1))
    assert shown.shape == image.shape
    torch.testing.assert_close(shown.mean(), small.mean(), atol=0.05, rtol=0)


def test_fine_tokens_lie_over_coarse_ones():
    plan = Plan([[0, 0, 16, 16], [0, 0, 32, 32]], [[0, 0], [1, 1]], [0, 0], (32, 48), 16, "by hand")
    tokens = torch.stack([torch.ones(1, 16, 16), torch.zeros(1, 16, 16)])
    picture = ps.render(plan, tokens)
    assert_close(picture[:, :16, :16], torch.ones(1, 16, 16))
    assert_close(picture[:, 20:28, 4:24], torch.zeros(1, 8, 20))


def test_a_ramp_off_the_lattice_is_shown_to_a_third_of_a_step():
    """A step is what a pixel differs from the next one; measured: 0.0013 here, 0.0023 with the nearest of samples."""
    step = 1 / 200
    ramp = ((torch.arange(48, dtype=torch.float64)[:, None] / 2 + torch.arange(80)) * step)[None]
    boxes = [[3, 5, 27, 37], [3, 37, 27, 69], [27, 5, 43, 69], [0, 0, 48, 80]]
    levels = np.log2([[3, 4], [3, 4], [2, 8], [6, 10]])
    picture = shown(ramp, Plan(boxes, levels, [0] * 4, (48, 80), 8, "by hand"))
    assert float((picture - ramp)[:, 10:-10, 16:-16].abs().max()) < step / 3


@pytest.mark.parametrize("size", [(61, 93), (64, 96), (1, 33), (40, 17)])
def test_the_full_budget_is_the_picture_bit_for_bit(size):
    """Also where it is 0, and where cells are cut by the border."""
    image = (noise(3, *size) * 255).round() / 255 * (noise(1, *size, seed=1) > 0.5)
    full = ps.plan(image, -(-size[0] // 16) * -(-size[1] // 16))
    assert_close(shown(image, full), image, rtol=0, atol=0)
