import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from dense_filters import dense_expand, dense_reduce
from pyrascope.signal.boundary import MODES
from pyrascope.signal.gaussian import gaussian_pyramid
from pyrascope.signal.laplacian import laplacian_pyramid, laplacian_reconstruct
from tolerances import TYPES, near


def noise(*shape, dtype=torch.float64, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@settings(max_examples=200, deadline=None)
@given(
    size=st.tuples(st.integers(1, 67), st.integers(1, 67)),
    mode=st.sampled_from(MODES),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    levels=st.none() | st.integers(1, 9),
    seed=st.integers(0, 2**31),
    binary=st.booleans(),
)
def test_reconstruct_is_the_exact_inverse_at_every_size(size, mode, dtype, levels, seed, binary):
    x = noise(*size, dtype=dtype, seed=seed)
    x = x.round() if binary else x
    bands = laplacian_pyramid(x, levels, mode)
    near(laplacian_reconstruct(bands, mode), x, "step")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (1, 64), (9, 9), (33, 47)])
def test_inverse_in_every_dtype(size, mode, dtype):
    x = noise(2, *size, dtype=dtype)
    bands = laplacian_pyramid(x, 6, mode)
    assert {band.dtype for band in bands} == {dtype}
    near(laplacian_reconstruct(bands, mode), x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (1, 64), (9, 9), (33, 47)])
def test_five_levels_equal_the_dense_matrices(size, mode):
    level = noise(*size).numpy()
    *bands, residual = laplacian_pyramid(level, 5, mode)
    for band in bands:
        child = dense_reduce(level, mode)
        near(band, level - dense_expand(child, level.shape, mode), "step", size=1)
        level = child
    near(residual, level, "step")


@pytest.mark.parametrize("mode", MODES)
def test_reconstruction_of_any_bands_equals_the_dense_matrices(mode):
    bands = [noise(*size, seed=seed).numpy() for seed, size in enumerate([(9, 9), (5, 5), (3, 3)])]
    middle = bands[1] + dense_expand(bands[2], (5, 5), mode)
    expected = bands[0] + dense_expand(middle, (9, 9), mode)
    near(laplacian_reconstruct(bands, mode), expected, "step")


def test_bands_have_the_shapes_of_the_gaussian_levels_and_its_residual():
    x = noise(3, 33, 47)
    for levels in (None, 1, 4, 9):
        gaussian, bands = gaussian_pyramid(x, levels), laplacian_pyramid(x, levels)
        assert [band.shape for band in bands] == [level.shape for level in gaussian]
        assert_close(bands[-1], gaussian[-1], rtol=0, atol=0)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_bands_of_a_constant_are_zero(mode):
    *bands, residual = laplacian_pyramid(torch.full((33, 47), 0.7, dtype=torch.float64), 7, mode)
    for band in bands:
        near(band, torch.zeros_like(band), "step")
    near(residual, torch.full_like(residual, 0.7), "step")


def test_linear():
    x, y = noise(13, 10), noise(13, 10, seed=1)
    mixed = [2 * a - 3 * b for a, b in zip(laplacian_pyramid(x, 4), laplacian_pyramid(y, 4), strict=True)]
    near(laplacian_pyramid(2 * x - 3 * y, 4), mixed, "step", size=3)


def test_channel_axis_and_kind_change_nothing():
    x = noise(3, 33, 20)
    moved = x.movedim(0, -1)
    bands = laplacian_pyramid(x, 4)
    last = laplacian_pyramid(moved, 4, channel_axis=-1)
    arrays = laplacian_pyramid(moved.numpy(), 4, channel_axis=-1)
    for band, other, array in zip(bands, last, arrays, strict=True):
        assert_close(other, band.movedim(0, -1), rtol=0, atol=0)
        np.testing.assert_array_equal(array, band.movedim(0, -1).numpy())
    near(laplacian_reconstruct(arrays, channel_axis=-1), moved.numpy(), "step")
    near(laplacian_reconstruct(tuple(last), channel_axis=2), moved, "step")


def test_bytes_give_scaled_floats_back():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = laplacian_reconstruct(laplacian_pyramid(codes, 4))
    assert image.dtype == np.float32
    near(image, codes.astype(np.float32) / 255, "step")


def test_bands_are_left_alone_and_a_single_one_is_returned():
    bands = laplacian_pyramid(noise(9, 11), 3)
    before = [band.clone() for band in bands]
    laplacian_reconstruct(bands)
    assert len(bands) == 3
    assert_close(bands, before, rtol=0, atol=0)
    assert laplacian_reconstruct(bands[:1]) is bands[0]
    array = noise(4, 4).numpy()
    assert np.shares_memory(laplacian_reconstruct([array]), array)
    assert not any(np.shares_memory(band, array) for band in laplacian_pyramid(array, 2))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 3), (3, 5)])
def test_three_levels_pass_gradcheck_and_gradgradcheck(size, mode):
    x = noise(*size).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(laplacian_pyramid(x, 3, mode)), x)
    assert torch.autograd.gradgradcheck(lambda x: tuple(b**3 for b in laplacian_pyramid(x, 3, mode)), x)
    bands = [band.detach().requires_grad_() for band in laplacian_pyramid(x, 3, mode)]
    assert torch.autograd.gradcheck(lambda *bands: laplacian_reconstruct(bands, mode), bands)
    assert torch.autograd.gradgradcheck(lambda *bands: laplacian_reconstruct(bands, mode) ** 3, bands)


def test_vmap_equals_the_loop():
    x = noise(4, 9, 11)
    loop = [torch.stack(bands) for bands in zip(*(laplacian_pyramid(i, 3) for i in x), strict=True)]
    bands = torch.func.vmap(lambda i: laplacian_pyramid(i, 3))(x)
    near(list(bands), loop, "step")
    near(torch.func.vmap(lambda *bands: laplacian_reconstruct(bands))(*bands), x, "step")


@pytest.mark.compile
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_the_round_trip_traces_to_one_graph_forward_and_backward():
    def round_trip(x):
        return laplacian_reconstruct([band.tanh() for band in laplacian_pyramid(x, 2)])

    x, y = noise(5, 6).requires_grad_(), noise(5, 6).requires_grad_()
    result = torch.compile(round_trip, fullgraph=True, backend="aot_eager")(x)
    near(result, round_trip(y), "step")
    result.sum().backward()
    round_trip(y).sum().backward()
    near(x.grad, y.grad, "step")


def test_refuses_bands_of_no_pyramid():
    bands = laplacian_pyramid(torch.ones(2, 9, 12), 3)
    with pytest.raises(ValueError, match="at least one band, got none; give"):
        laplacian_reconstruct([])
    with pytest.raises(TypeError, match="bands must be a list of bands, fine to coarse, got Tensor"):
        laplacian_reconstruct(torch.ones(3, 4, 4))
    with pytest.raises(TypeError, match="got Tensor at level 0 and ndarray at level 1"):
        laplacian_reconstruct([bands[0], bands[1].numpy()])
    with pytest.raises(ValueError, match=r"level 1 must have shape \(2, 5, 6\), got \(2, 3, 3\)"):
        laplacian_reconstruct([bands[0], bands[2]])
    with pytest.raises(ValueError, match=r"level 2 must have shape \(2, 3, 3\), got \(1, 3, 3\)"):
        laplacian_reconstruct([*bands[:2], bands[2][:1]])
    with pytest.raises(ValueError, match=r"level 1 must have shape \(5, 6, 2\), got \(6, 5, 2\)"):
        laplacian_reconstruct([np.ones((9, 12, 2)), np.ones((6, 5, 2))], channel_axis=-1)
    with pytest.raises(TypeError, match=r"x must hold float16, .* got int64"):
        laplacian_reconstruct([torch.ones(4, 4, dtype=torch.int64)])
    with pytest.raises(ValueError, match="mode must be one of"):
        laplacian_reconstruct(bands, "edge")
    with pytest.raises(ValueError, match="levels must be a whole number >= 1"):
        laplacian_pyramid(torch.ones(4, 4), 0)
