import cv2
import numpy as np
import pytest
import torch
from torch.testing import assert_close

from dense_filters import dense_expand, dense_reduce
from pyrascope.signal.boundary import MODES, mirror
from pyrascope.signal.filters import expand, reduce
from tolerances import TYPES, near

SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (1, 64), (3, 4), (5, 3), (9, 9), (33, 47), (64, 48)]


def noise(*shape, dtype=torch.float64, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def half(size):
    return -(-size[0] // 2), -(-size[1] // 2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
class TestLaws:
    def test_child_has_ceil_of_half_the_size_and_expand_undoes_it(self, size, mode):
        child = reduce(noise(2, 3, *size), mode)
        assert child.shape == (2, 3, *half(size))
        assert expand(child, size, mode).shape == (2, 3, *size)

    def test_constants_are_kept(self, size, mode):
        constant = torch.full(size, 0.7, dtype=torch.float64)
        if mode == "constant":
            near(reduce(constant, mode).max().clamp(min=0.7), 0.7, "step")  # no more than that
            return
        near(reduce(constant, mode), torch.full(half(size), 0.7, dtype=torch.float64), "step")
        near(expand(reduce(constant, mode), size, mode), constant, "step")

    def test_linear(self, size, mode):
        x, y = noise(*size), noise(*size, seed=1)
        near(reduce(2 * x - 3 * y, mode), 2 * reduce(x, mode) - 3 * reduce(y, mode), "step", size=3)
        u, v = noise(*half(size)), noise(*half(size), seed=1)
        mixed = 2 * expand(u, size, mode) - 3 * expand(v, size, mode)
        near(expand(2 * u - 3 * v, size, mode), mixed, "step", size=3)


@pytest.mark.parametrize("size", [(2, 2), (2, 8), (12, 10), (64, 48)])
def test_circular_expand_is_four_times_the_adjoint_of_reduce(size):
    x, y = noise(*size), noise(*half(size), seed=1)
    left = (reduce(x, "circular") * y).sum()
    near(left, (x * expand(y, size, "circular")).sum() / 4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(9, 9), (1, 1), (1, 6), (2, 3), (3, 2), (4, 5), (8, 7)])
def test_equals_the_dense_matrix(size, mode):
    x, y = noise(*size).numpy(), noise(*half(size), seed=1).numpy()
    near(reduce(x, mode), dense_reduce(x, mode))
    near(expand(y, size, mode), dense_expand(y, size, mode), "step")


@pytest.mark.parametrize("size", SIZES)
def test_reduce_equals_opencv_pyrdown_to_the_border(size):
    x = noise(*size, dtype=torch.float32).numpy()
    near(reduce(x), cv2.pyrDown(x))


@pytest.mark.parametrize("size", SIZES)
def test_expand_equals_opencv_pyrup_but_for_the_last_sample_of_an_odd_side(size):
    y = noise(*half(size), dtype=torch.float32).numpy()
    whole = tuple(2 * n for n in y.shape)
    near(expand(y, whole), cv2.pyrUp(y, dstsize=whole[::-1]))
    # OpenCV crops an odd side from the next even one; ours is the mirror image of the odd lattice itself.
    inner = tuple(slice(0, n - n % 2) for n in size)
    theirs = cv2.pyrUp(y, dstsize=size[::-1])
    near(expand(y, size)[inner], theirs[inner])


def test_expand_mirrors_the_finer_lattice():
    y = torch.tensor([[0.0, 0.0, 8.0, 16.0]], dtype=torch.float64)
    near(expand(y, (1, 8))[0, -2:], torch.tensor([15.0, 16.0]).double(), "step")  # x[n] = x[n - 1]
    near(expand(y, (1, 7))[0, -2:], torch.tensor([12.0, 14.0]).double(), "step")  # x[n] = x[n - 2]


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_mirror_is_the_triangle_wave_of_numpy(n):
    expected = np.pad(np.arange(n), 20, mode="reflect")
    np.testing.assert_array_equal([mirror(i, n) for i in range(-20, n + 20)], expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("mode", MODES)
def test_dtypes_are_kept_and_precise(dtype, mode):
    x = noise(3, 33, 47, dtype=dtype)
    y = reduce(x, mode)
    assert y.dtype == dtype
    near(y.double(), reduce(x.double(), mode), dtype=dtype)
    z = expand(y, (33, 47), mode)
    assert z.dtype == dtype
    near(z.double(), expand(y.double(), (33, 47), mode), dtype=dtype)


def test_half_types_round_once():
    x = noise(31, 18, dtype=torch.float16)
    assert_close(reduce(x), reduce(x.float()).half(), rtol=0, atol=0)
    assert_close(expand(x, (62, 35)), expand(x.float(), (62, 35)).half(), rtol=0, atol=0)


@pytest.mark.parametrize("scale", [255, 65535])
def test_unsigned_integers_are_scaled_by_their_range(scale):
    codes = (noise(13, 10) * scale).round().numpy().astype(np.uint8 if scale == 255 else np.uint16)
    expected = codes.astype(np.float32) / scale
    result = reduce(codes)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, reduce(expected))
    np.testing.assert_array_equal(reduce(torch.from_numpy(codes)).numpy(), reduce(expected))
    np.testing.assert_array_equal(expand(codes, (25, 20)), expand(expected, (25, 20)))


def test_channel_axis_names_the_axis_of_channels():
    x = noise(2, 3, 9, 12)
    for axis in (-1, 3, 0, 1, 2, -4):
        moved = x.movedim(1, axis)
        assert_close(reduce(moved, channel_axis=axis), reduce(x).movedim(1, axis), rtol=0, atol=0)
        result = reduce(moved.numpy(), channel_axis=axis)
        np.testing.assert_array_equal(result, reduce(x).movedim(1, axis).numpy())
        assert result.flags.c_contiguous
        finer = expand(moved, (18, 23), channel_axis=axis)
        assert_close(finer, expand(x, (18, 23)).movedim(1, axis), rtol=0, atol=0)


def test_any_numpy_layout_works_and_is_left_alone():
    x = noise(21, 18).numpy()
    expected = reduce(x)
    locked = x.copy()
    locked.flags.writeable = False
    wide = np.zeros((21, 36))
    wide[:, ::2] = x
    layouts = [np.asfortranarray(x), x[::-1, ::-1].copy()[::-1, ::-1], locked, wide[:, ::2], x.astype(">f8")]
    for layout in layouts:
        before = layout.copy()
        np.testing.assert_array_equal(reduce(layout), expected)
        np.testing.assert_array_equal(layout, before)


def test_torch_input_is_left_alone():
    x = noise(9, 9)
    before = x.clone()
    expand(reduce(x), (9, 9))
    assert_close(x, before, rtol=0, atol=0)


@pytest.mark.parametrize("mode", MODES)
def test_results_are_contiguous_and_new(mode):
    for size in [(1, 1), (1, 2), (7, 5)]:
        x = noise(*size)
        for y in (reduce(x, mode), expand(noise(*half(size)), size, mode)):
            assert y.is_contiguous()
            assert y.data_ptr() != x.data_ptr()


def test_empty_batches_pass_through():
    assert reduce(torch.ones(0, 3, 9, 7)).shape == (0, 3, 5, 4)
    assert expand(np.ones((0, 5, 4)), (9, 7)).shape == (0, 9, 7)


@pytest.mark.parametrize("mode", MODES)
def test_nan_reaches_the_samples_whose_taps_see_it_and_no_others(mode):
    x = noise(15, 15)
    x[6, 7] = torch.nan
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[2:5, 3:5] = True
    near(reduce(x, mode).isnan(), expected, "same")
    assert expand(reduce(x, mode), (15, 15), mode).isnan().any()


@pytest.mark.parametrize("mode", MODES)
def test_vmap_equals_the_loop(mode):
    x = noise(4, 5, 9, 6)
    near(torch.func.vmap(lambda i: reduce(i, mode))(x), torch.stack([reduce(i, mode) for i in x]), "step")
    double = torch.func.vmap(lambda i: expand(i, (18, 11), mode), in_dims=1)(x)
    near(double, torch.stack([expand(i, (18, 11), mode) for i in x.unbind(1)]), "step")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 4)])
def test_expand_and_reduce_pass_gradcheck(size, mode):
    x, y = noise(*size).requires_grad_(), noise(*half(size)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: reduce(x, mode), x)
    assert torch.autograd.gradcheck(lambda y: expand(y, size, mode), y)


@pytest.mark.compile
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, while it imports Inductor
def test_compiles_to_one_graph():
    x = noise(7, 6, dtype=torch.float32)
    # Inductor keeps graphs on disk whatever ATEN_CPU_CAPABILITY they were made for: vector code of another run
    # does not compile where that says "default".
    compiled = torch.compile(reduce, fullgraph=True, options={"fx_graph_cache": False})
    near(compiled(x), reduce(x))


BAD_INPUT = [
    (torch.ones(4, 4, dtype=torch.bool), TypeError, r"x must hold float16, .* got bool; convert it"),
    (torch.ones(4, 4, dtype=torch.complex64), TypeError, "got complex64"),
    (torch.ones(4, 4, dtype=torch.int64), TypeError, "got int64"),
    (np.ones((4, 4), bool), TypeError, "got bool"),
    (np.ones((4, 4), np.int8), TypeError, "got int8"),
    (np.ones((4, 4), np.complex128), TypeError, "got complex128"),
    (np.ones((4, 4), np.longdouble), TypeError, "x must hold float16"),
    (np.ones((4, 4), object), TypeError, "got object"),
    ([[1.0, 2.0]], TypeError, "x must be a torch tensor or a NumPy array, got list; convert"),
    (np.ones(4), ValueError, r"two spatial axes .* got shape \(4,\)"),
    (torch.ones(()), ValueError, r"two spatial axes .* got shape \(\)"),
    (np.ones((3, 0, 4)), ValueError, r"at least one row and one column, got shape \(3, 0, 4\)"),
    (torch.ones(4, 0), ValueError, r"at least one row and one column, got shape \(4, 0\)"),
]


@pytest.mark.parametrize(("x", "error", "message"), BAD_INPUT)
def test_refuses_what_is_no_image(x, error, message):
    with pytest.raises(error, match=message):
        reduce(x)
    with pytest.raises(error, match=message):
        expand(x, (7, 7))


def test_refuses_bad_arguments():
    x = torch.ones(4, 5, 3)
    with pytest.raises(ValueError, match=r"mode must be one of 'reflect', .* got 'mirror'"):
        reduce(x, "mirror")
    with pytest.raises(ValueError, match="mode must be one of"):
        expand(x, (9, 5), "mirror")
    with pytest.raises(ValueError, match=r"channel_axis must be a whole number from -3 to 2, got 3; x has shape"):
        reduce(x, channel_axis=3)
    with pytest.raises(TypeError, match="channel_axis must be a whole number"):
        reduce(x, channel_axis=0.5)
    with pytest.raises(ValueError, match=r"besides channel_axis, got shape \(4, 5\) with channel_axis=-1"):
        reduce(torch.ones(4, 5), channel_axis=-1)


@pytest.mark.parametrize("size", [(9, 10), (8, 11), (4, 5), (6, 9)])
def test_expand_refuses_a_size_that_does_not_reduce_to_its_input(size):
    with pytest.raises(ValueError, match=r"size must be 7 or 8 rows and 9 or 10 columns .* got \("):
        expand(torch.ones(4, 5), size)


def test_expand_refuses_what_is_no_size():
    with pytest.raises(TypeError, match=r"size must be a pair \(rows, columns\), got 8"):
        expand(torch.ones(4, 5), 8)
    with pytest.raises(TypeError, match=r"size must be a whole number >= 1, got 8.0"):
        expand(torch.ones(4, 5), (8.0, 9))
    with pytest.raises(ValueError, match=r"size must be a whole number >= 1, got 0"):
        expand(torch.ones(4, 5), (0, 9))
