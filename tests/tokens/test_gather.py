import numpy as np
import pytest
import torch
from einops import rearrange

import pyrascope as ps
from pictures import grating, noise
from pyrascope.allocation.plan import Plan
from pyrascope.signal.resample import resample_rows, resize
from pyrascope.signal.ripmap import Ripmap
from tolerances import near

Uniform, Resize = ps.methods.Uniform, ps.methods.Resize


@pytest.mark.parametrize("cell", [1, 7, 14, 16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_full_uniform_plan_is_vit_patchify_bit_for_bit(cell, dtype):
    image = noise(3, 6 * cell, 5 * cell, dtype=dtype)
    tokens = ps.gather(image, ps.plan(image, 30, Uniform(), cell))
    assert torch.equal(tokens, rearrange(image, "c (y p) (x q) -> (y x) c p q", p=cell, q=cell))


def test_coarse_tokens_are_read_from_the_sharp_levels():
    image = noise(3, 64, 64)
    tokens = ps.gather(image, ps.plan(image, 4, Uniform(), 16))
    level = Ripmap(image)[1, 1]
    assert torch.equal(tokens, rearrange(level, "c (y p) (x q) -> (y x) c p q", p=16, q=16))


def test_beyond_the_border_the_edge_repeats():
    image = noise(1, 20, 18)
    tokens = ps.gather(image, ps.plan(image, 4, Uniform(), 16))
    padded = torch.nn.functional.pad(image[None], (0, 14, 0, 12), mode="replicate")[0]
    assert torch.equal(tokens, rearrange(padded, "c (y p) (x q) -> (y x) c p q", p=16, q=16))


@pytest.mark.parametrize("size", [(96, 144), (50, 77), (5, 3), (1, 1)])
def test_resize_tokens_are_the_resized_image(size):
    image = noise(3, *size, dtype=torch.float64)
    full = -(-size[0] // 8) * -(-size[1] // 8)
    plan = ps.plan(image, max(full // 3, 1), Resize(), 8)
    rows = len(set(plan.boxes[:, 0]))
    columns = plan.tokens // rows
    whole = resize(image, (rows * 8, columns * 8))
    expected = rearrange(whole, "c (y p) (x q) -> (y x) c p q", p=8, q=8)
    near(ps.gather(image, plan), expected, dtype=torch.float32)  # levels are float32, and so are places


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("method", [Uniform(), Resize()])
@pytest.mark.parametrize("times_nyquist", [1.5, 1.8])
def test_gratings_beyond_a_tokens_nyquist_rate_vanish(axis, method, times_nyquist):
    size = (256, 256)
    plan = ps.plan(torch.zeros(1, *size), 16, method)
    side = plan.boxes[0, 2] - plan.boxes[0, 0]
    wave = grating(size, times_nyquist * 0.5 * 16 / side, axis)
    inside = ps.gather(wave, plan)[[5, 6, 9, 10]]  # away from the border, where the edge repeats
    assert inside.abs().max() < 0.02


def test_boxes_off_the_dyadic_grid_are_resampled_from_the_image():
    image = noise(2, 64, 64, dtype=torch.float64)
    plan = Plan([[19, 21, 35, 37], [20.5, 20.5, 44.5, 36.5]], [[1, 1], [np.log2(3), 1]], [0, 0], (64, 64), 8, "by hand")
    tokens = ps.gather(image, plan)
    half = resize(image[:, 1:63, 1:63], (31, 31))  # sample k is centred on 1 + 2 (k + 0.5)
    near(tokens[0], half[:, 9:17, 10:18])
    centres = [20.5 + 3 * (np.arange(8) + 0.5), 20.5 + 2 * (np.arange(8) + 0.5)]
    rows = resample_rows(image, torch.from_numpy(centres[0]), 3.0)
    expected = resample_rows(rows.transpose(-1, -2).contiguous(), torch.from_numpy(centres[1]), 2.0).transpose(-1, -2)
    near(tokens[1], expected, dtype=torch.float32)  # levels are float32


def test_overlapping_boxes_are_gathered_each_for_itself():
    image = noise(1, 32, 32)
    plan = Plan([[0, 0, 32, 32], [8, 8, 24, 24]], [[1, 1], [0, 0]], [0, 0], (32, 32), 16, "by hand")
    tokens = ps.gather(image, plan)
    assert torch.equal(tokens[1], image[:, 8:24, 8:24])
    assert torch.equal(tokens[0], Ripmap(image)[1, 1])


def test_gradient_flows_to_the_image():
    image = noise(1, 12, 10, dtype=torch.float64).requires_grad_()
    for method in (ps.methods.Random(1), Resize()):
        plan = ps.plan(image, 5, method, 4)
        assert torch.autograd.gradcheck(lambda image, plan=plan: ps.gather(image, plan), image, fast_mode=True)


def test_gather_refuses_an_image_of_another_size():
    plan = ps.plan(torch.zeros(3, 32, 48), 2)
    with pytest.raises(ValueError, match="must be 32x48 px as its plan, got 48x32; make a plan for this image"):
        ps.gather(torch.zeros(3, 48, 32), plan)
