from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d, interpolate
from torch.testing import assert_close

from pyrascope.signal.mipmap import halving_taps, mipmap
from pyrascope.signal.sampling import sample, sample_boxes
from tolerances import near

SIZES = st.tuples(st.integers(1, 67), st.integers(1, 67))


def noise(*shape, dtype=torch.float64, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def ramp(height, width, slope=(3.0, -2.0), dtype=torch.float64):
    """A plane whose value at place (y, x), pixel centres at + 0.5, is 5 + slope . (y, x)."""
    y, x = (torch.arange(size, dtype=dtype) + 0.5 for size in (height, width))
    return 5 + slope[0] * y[:, None] + slope[1] * x


@settings(max_examples=200, deadline=None)
@given(size=SIZES, seed=st.integers(0, 2**31))
def test_every_level_is_bilinear_at_the_centres_of_the_coarse_level(size, seed):
    chain = mipmap(noise(2, 3, *size, seed=seed))
    assert chain[-1].shape[-2:] == (1, 1)
    assert len(chain) == 1 + int(np.log2(max(size)))
    for fine, coarse in pairwise(chain):
        expected = tuple(max(1, side // 2) for side in fine.shape[-2:])
        near(coarse, interpolate(fine, expected, mode="bilinear", align_corners=False), "transform")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(2, 2), (64, 64), (16, 128), (96, 32)])
def test_even_sizes_are_the_2x2_box(size, dtype):
    fine, coarse = mipmap(noise(1, *size, dtype=dtype), 2)
    assert torch.equal(coarse, avg_pool2d(fine, 2))


def test_integers_are_the_box_bit_for_bit():
    x = (noise(1, 64, 64, dtype=torch.float32) * 255).round()
    for level, coarse in enumerate(mipmap(x)):
        assert torch.equal(coarse, avg_pool2d(x, 2**level))


@given(size=st.integers(1, 300))
def test_taps_weigh_the_two_pixels_around_each_coarse_centre(size):
    taps, count = halving_taps(size), max(1, size // 2)
    matrix = np.zeros((count, size))
    for cut, weight in taps:
        matrix[np.arange(count), np.arange(size)[cut]] += weight.numpy()
    assert len(set(matrix.sum(1))) == 1
    matrix /= matrix.sum(1, keepdims=True)
    assert matrix.min() >= 0
    assert (matrix > 0).sum(1).max() <= 2
    near(matrix @ (np.arange(size) + 0.5), (np.arange(count) + 0.5) * size / count, "step")


@settings(max_examples=100, deadline=None)
@given(size=SIZES, dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]))
def test_constants_are_kept_at_every_size(size, dtype):
    chain = mipmap(torch.full(size, 0.7, dtype=dtype))
    for level in chain:
        assert level.dtype == dtype
        near(level, torch.full_like(level, 0.7))


def test_levels_may_be_fewer_or_more_than_fit():
    x = noise(5, 12)
    assert [tuple(level.shape) for level in mipmap(x, 2)] == [(5, 12), (2, 6)]
    assert [tuple(level.shape) for level in mipmap(x, 6)[3:]] == [(1, 1)] * 3
    assert torch.equal(mipmap(x, 6)[-1], mipmap(x)[-1])
    assert mipmap(x, 1)[0] is x


def test_channel_axis_and_kind_change_nothing():
    x = noise(3, 33, 20)
    moved = x.movedim(0, -1)
    last, arrays = mipmap(moved, channel_axis=-1), mipmap(moved.numpy(), channel_axis=-1)
    for level, other, array in zip(mipmap(x), last, arrays, strict=True):
        assert_close(other, level.movedim(0, -1), rtol=0, atol=0)
        np.testing.assert_array_equal(array, other.numpy())
        assert array.flags.c_contiguous
    assert not np.shares_memory(arrays[0], moved.numpy())
    codes = np.arange(64, dtype=np.uint8).reshape(8, 8)
    near(mipmap(codes)[-1], [[31.5 / 255]], "step")


def test_zero_batch_and_vmap():
    assert [tuple(level.shape) for level in mipmap(torch.ones(0, 5, 3))] == [(0, 5, 3), (0, 2, 1), (0, 1, 1)]
    x = noise(4, 9, 11)
    near(list(torch.func.vmap(mipmap)(x)), mipmap(x), "step")


@pytest.mark.parametrize("size", [(1, 3), (4, 5), (7, 6)])
def test_the_chain_passes_gradcheck_and_gradgradcheck(size):
    x = noise(2, *size).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(mipmap(x)), x)
    assert torch.autograd.gradgradcheck(lambda x: tuple(level**3 for level in mipmap(x)), x)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (5, 12), (33, 47)])
def test_pixel_centres_at_a_whole_level_are_that_level(size):
    chain = mipmap(noise(2, *size))
    for number, level in enumerate(chain):
        y, x = ((torch.arange(n, dtype=torch.float64) + 0.5) * s / n for n, s in zip(level.shape[-2:], size))  # noqa: B905
        near(sample(chain, y[:, None], x, number), level, "transform")


@settings(max_examples=60, deadline=None)
@given(size=SIZES, level=st.floats(-1, 8), seed=st.integers(0, 2**31))
def test_samples_equal_grid_sample_of_the_two_levels(size, level, seed):
    chain = mipmap(noise(1, 2, *size, seed=seed))
    y, x = (noise(7, seed=seed + i + 1) * 1.4 * size[i] - 0.2 * size[i] for i in (0, 1))
    grid = torch.stack([2 * x / size[1] - 1, 2 * y / size[0] - 1], -1)[None, None]
    at = min(max(level, 0), len(chain) - 1)
    below = int(at)
    two = [
        torch.nn.functional.grid_sample(chain[min(k, len(chain) - 1)], grid, padding_mode="border", align_corners=False)
        for k in (below, below + 1)
    ]
    expected = torch.lerp(two[0], two[1], at - below)[:, :, 0]
    near(sample(chain, y, x, level), expected)


def test_a_linear_ramp_is_sampled_exactly():
    chain = mipmap(ramp(64, 128))
    y, x, level = 16 + 32 * noise(50), 16 + 96 * noise(50, seed=1), 4 * noise(50, seed=2)
    near(sample(chain, y, x, level), 5 + 3 * y - 2 * x, "step")
    boxes = torch.stack([y - 7, x - 0.5, y + 7, x + 0.5], 1)
    patches = sample_boxes(chain, boxes, (2, 2))
    expected = (5 + 3 * y - 2 * x)[:, None, None] + torch.tensor([[-10.5 + 0.5, -10.5 - 0.5], [10.5 + 0.5, 10.5 - 0.5]])
    near(patches, expected, "step")


def test_beyond_the_edges_the_edge_repeats_and_nan_stays_nan():
    x = noise(3, 4)
    far = torch.tensor([-100.0, -np.inf, 0.2])
    near(sample(mipmap(x), far, 1.5, 0), x[0, 1].expand(3), "step")
    assert sample(mipmap(x), np.inf, 1e9, -3) == x[-1, -1]
    assert sample(mipmap(x), 1.0, 1.0, 99.0) == mipmap(x)[-1][0, 0]
    assert sample(mipmap(x), 1.0, float("nan"), 0).isnan()
    assert sample(mipmap(x), 1.0, 1.0, float("nan")).isnan()


def test_boxes_on_the_grid_of_a_level_are_cut_from_it():
    chain = mipmap(noise(3, 32, 64))
    boxes = torch.tensor([[0, 0, 4, 4], [8, 16, 24, 32], [0, 0, 32, 32], [5, 60, 9, 64.0]])
    patches = sample_boxes(chain, boxes, (4, 4))
    expected = [chain[0][:, :4, :4], chain[2][:, 2:6, 4:8], chain[3][:, :4, :4], chain[0][:, 5:9, 60:64]]
    near(patches, torch.stack(expected), "step")


def test_long_boxes_stay_sharp_across():
    stripes = torch.zeros(64, 64, dtype=torch.float64)
    stripes[:, ::2] = 1
    box = torch.tensor([[0.0, 0.0, 64.0, 8.0]])
    near(sample_boxes(mipmap(stripes), box, (8, 8))[0], stripes[:8, :8], "step")
    blurred = sample_boxes(mipmap(stripes), box, (8, 8), probes=1)[0]
    near(blurred, torch.full_like(blurred, 0.5), "step")


def test_probes_are_the_mean_along_the_longer_axis():
    chain = mipmap(noise(2, 40, 40))
    y0, x0, y1, x1 = 3.0, 10.0, 9.0, 31.0  # a sample of 3 x 7 pixels: 3 probes, 7/3 pixels apart
    places = x0 + 7 * (torch.arange(3)[:, None] + (torch.arange(3) + 0.5) / 3)
    expected = sample(chain, torch.tensor([4.5, 7.5])[:, None, None], places, np.log2(7 / 3)).mean(-1)
    near(sample_boxes(chain, torch.tensor([[y0, x0, y1, x1]]), (2, 3))[0], expected, dtype=torch.float32)


def test_order_of_boxes_and_transposition_change_nothing():
    x = noise(30, 30)
    corner, side = noise(20, 2) * 15, 1 + noise(20, 2, seed=1) ** 2 * 14
    boxes = torch.cat([corner, corner + side], 1)
    patches = sample_boxes(mipmap(x), boxes, (3, 5))
    near(sample_boxes(mipmap(x), boxes.flip(0), (3, 5)).flip(0), patches, "step")
    turned = sample_boxes(mipmap(x.T), boxes[:, [1, 0, 3, 2]], (5, 3))
    near(turned.transpose(1, 2), patches)
    single = torch.cat([sample_boxes(mipmap(x), box[None], (3, 5)) for box in boxes])
    near(single, patches, "step")


def test_sampling_layouts_and_types():
    x = noise(3, 16, 20, dtype=torch.float32)
    chain, last = mipmap(x), mipmap(x.movedim(0, -1).numpy(), channel_axis=-1)
    y, boxes = np.linspace(1, 15, 6).reshape(2, 3), np.array([[1.5, 2, 9, 13], [0, 0, 16, 20]])
    expected, patches = sample(chain, y, 4.0, 1.3), sample_boxes(chain, boxes, (4, 5))
    assert expected.shape == (3, 2, 3)
    assert patches.shape == (2, 3, 4, 5)
    assert {expected.dtype, patches.dtype} == {torch.float32}
    for axis in (-1, 2):
        array = sample(last, torch.tensor(y, requires_grad=True), 4.0, 1.3, channel_axis=axis)
        np.testing.assert_array_equal(array, expected.movedim(0, -1))
        cut = sample_boxes(last, boxes, (4, 5), channel_axis=axis)
        assert cut.shape == (2, 4, 5, 3)
        np.testing.assert_array_equal(cut, patches.movedim(1, -1))
    batch = mipmap(x[None].expand(2, 3, 16, 20), channel_axis=1)
    near(sample(batch, y, 4.0, 1.3, channel_axis=1), expected.expand(2, 3, 2, 3), "step")
    assert sample_boxes(batch, boxes, (4, 5), channel_axis=1).shape == (2, 2, 3, 4, 5)
    assert sample_boxes(chain, np.zeros((0, 4)), (4, 5)).shape == (0, 3, 4, 5)
    boxes.flags.writeable = False
    np.testing.assert_array_equal(sample_boxes(chain, boxes[::-1], (4, 5)), patches.flip(0))
    half = sample_boxes(mipmap(x.half()), boxes, (4, 5))
    assert half.dtype == torch.float16
    assert_close(half.float(), patches, rtol=0, atol=3e-3)


def test_gradcheck_in_the_texture_the_place_and_the_level():
    x = noise(2, 7, 6).requires_grad_()
    y, u, level = (noise(5, seed=i + 1).mul(4).add(0.7).requires_grad_() for i in range(3))
    assert torch.autograd.gradcheck(lambda x, y, u, level: sample(mipmap(x), y, u, level / 2), (x, y, u, level))
    boxes = torch.tensor(
        [[0.31, 0.2, 5.93, 1.3], [1.1, 0.6, 3.07, 4.9], [2.2, 1.9, 3.43, 3.1], [0.6, 0.2, 6.3, 3.1]],
        dtype=torch.float64,
    )
    boxes.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, boxes: sample_boxes(mipmap(x), boxes, (2, 1)), (x, boxes))


def test_refusals():
    chain = mipmap(torch.ones(3, 9, 12))
    box = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    with pytest.raises(ValueError, match="levels must be a whole number >= 1, got 0"):
        mipmap(torch.ones(4, 4), 0)
    with pytest.raises(TypeError, match=r"x must hold float16, .* got bool"):
        mipmap(torch.ones(4, 4).bool())
    with pytest.raises(ValueError, match="at least one row and one column"):
        mipmap(torch.ones(0, 4))
    with pytest.raises(ValueError, match="list of at least one image, got none; give what mipmap returned"):
        sample([], 0.0, 0.0)
    with pytest.raises(TypeError, match="list of at least one image, got Tensor"):
        sample_boxes(torch.ones(4, 4), box, (1, 1))
    with pytest.raises(TypeError, match="all be tensors or all be arrays"):
        sample([chain[0], chain[1].numpy()], 0.0, 0.0)
    with pytest.raises(ValueError, match=r"level 1 must have shape \(3, 4, 6\) .* got \(3, 2, 3\)"):
        sample(chain[::2], 0.0, 0.0)
    with pytest.raises(ValueError, match=r"boxes must have shape \(n, 4\): y0 x0 y1 x1, got \(4,\)"):
        sample_boxes(chain, box[0], (1, 1))
    for bad in ([0.0, 0.0, 0.0, 1.0], [0.0, 2.0, 1.0, 1.0], [0.0, 0.0, float("inf"), 1.0], [float("nan")] * 4):
        with pytest.raises(ValueError, match=r"finite with y0 < y1 and x0 < x1, got \[.*\] at 1"):
            sample_boxes(chain, torch.tensor([[0.0, 0.0, 1.0, 1.0], bad]), (1, 1))
    with pytest.raises(ValueError, match="size must be a whole number >= 1, got 0"):
        sample_boxes(chain, box, (0, 1))
    with pytest.raises(ValueError, match="probes must be a whole number >= 1, got 0"):
        sample_boxes(chain, box, (1, 1), probes=0)
