from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from dense_filters import dense_reduce
from pyrascope.signal.boundary import MODES
from pyrascope.signal.filters import reduce
from pyrascope.signal.gaussian import gaussian_pyramid
from tolerances import near


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (1, 64), (9, 9), (33, 47)])
def test_five_levels_equal_the_dense_matrices(size, mode):
    level = noise(*size).numpy()
    for result in gaussian_pyramid(level, 5, mode):
        near(result, level)
        level = dense_reduce(level, mode)


def test_each_level_is_the_reduction_of_the_one_before():
    pyramid = gaussian_pyramid(noise(2, 3, 33, 47), 4)
    assert [tuple(level.shape) for level in pyramid] == [(2, 3, 33, 47), (2, 3, 17, 24), (2, 3, 9, 12), (2, 3, 5, 6)]
    for fine, coarse in pairwise(pyramid):
        assert_close(coarse, reduce(fine), rtol=0, atol=0)


def test_convention_levels_none_stops_below_sixteen():
    assert [len(gaussian_pyramid(torch.ones(n, 100))) for n in (1, 15, 16, 30, 31, 32, 64)] == [1, 1, 2, 2, 3, 3, 4]
    assert len(gaussian_pyramid(np.ones((64, 40, 3)), channel_axis=-1)) == 3


def test_convention_level_zero_is_the_input_and_sizes_stop_at_one():
    x = noise(3, 2)
    pyramid = gaussian_pyramid(x, 9)
    assert pyramid[0] is x
    assert [tuple(level.shape) for level in pyramid] == [(3, 2), (2, 1)] + [(1, 1)] * 7


def test_level_zero_is_the_memory_of_the_input_for_arrays_too():
    x = noise(20, 18, 3).numpy()
    for axis in (None, -1, 0):
        first, *others = gaussian_pyramid(x, 3, channel_axis=axis)
        assert first.flags.c_contiguous == x.flags.c_contiguous
        assert np.shares_memory(first, x)
        assert first.strides == x.strides
        assert not any(np.shares_memory(level, x) for level in others)
    assert isinstance(gaussian_pyramid(x, 1)[0], np.ndarray)


def test_level_zero_is_a_copy_where_torch_cannot_read_the_array():
    x = noise(20, 18).numpy()
    locked = x.copy()
    locked.flags.writeable = False
    record = np.zeros((20, 18), "f8,f4")  # samples 12 bytes apart
    record["f0"] = x
    odd = np.frombuffer(bytearray(b"." + x.tobytes()), np.float64, offset=1).reshape(20, 18)
    for array in (locked, x[::-1], x[:, ::-1], x.astype(">f8"), odd, record["f0"]):
        first = gaussian_pyramid(array, 2)[0]
        np.testing.assert_array_equal(first, array)
        assert first.dtype == np.float64
        assert first.flags.writeable
        assert not np.shares_memory(first, array)


def test_channel_axis_and_kind_change_nothing():
    x = noise(3, 33, 20)
    moved = x.movedim(0, -1)
    for level, last, array in zip(
        gaussian_pyramid(x, 4),
        gaussian_pyramid(moved, 4, channel_axis=-1),
        gaussian_pyramid(moved.numpy(), 4, channel_axis=-1),
        strict=True,
    ):
        assert_close(last, level.movedim(0, -1), rtol=0, atol=0)
        np.testing.assert_array_equal(array, level.movedim(0, -1).numpy())


def test_level_zero_of_bytes_is_scaled():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pyramid = gaussian_pyramid(codes)
    assert [level.dtype for level in pyramid] == [np.float32, np.float32]
    np.testing.assert_array_equal(pyramid[0], codes.astype(np.float32) / 255)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 3), (3, 5)])
def test_three_levels_pass_gradcheck_and_gradgradcheck(size, mode):
    x = noise(*size).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(gaussian_pyramid(x, 3, mode)[1:]), x)
    assert torch.autograd.gradgradcheck(lambda x: gaussian_pyramid(x, 3, mode)[-1] ** 3, x)


def test_vmap_equals_the_loop():
    x = noise(4, 9, 11)
    loop = [torch.stack(levels) for levels in zip(*(gaussian_pyramid(i, 3) for i in x), strict=True)]
    near(list(torch.func.vmap(lambda i: gaussian_pyramid(i, 3))(x)), loop, "step")


def test_refuses_bad_levels():
    with pytest.raises(ValueError, match="levels must be a whole number >= 1, got 0"):
        gaussian_pyramid(torch.ones(4, 4), 0)
    with pytest.raises(TypeError, match=r"levels must be a whole number >= 1, got 2\.0"):
        gaussian_pyramid(torch.ones(4, 4), 2.0)
    with pytest.raises(ValueError, match="mode must be one of"):
        gaussian_pyramid(torch.ones(4, 4), 1, "edge")
    with pytest.raises(ValueError, match="two spatial axes"):
        gaussian_pyramid(torch.ones(4), 1)
