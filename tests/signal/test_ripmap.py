import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictures import grating, noise
from pyrascope.signal import ripmap
from pyrascope.signal.backend import usable
from pyrascope.signal.resample import resize
from pyrascope.signal.ripmap import Ripmap, double, halve, levels_to_one
from tolerances import near

SIZES = [(1, 1), (1, 64), (9, 9), (33, 47), (12, 20)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axis", [-1, -2])
def test_halve_is_lanczos_resampling(size, axis):
    """`resize` stretches the same kernel; at odd sizes the last sample looks past the end, so that is set apart."""
    x = noise(3, *size, dtype=torch.float64)
    n = size[axis]
    even = x if n % 2 == 0 else torch.cat([x, x.narrow(axis, n - 1, 1)], axis)
    want = list(size)
    want[axis] = (n + 1) // 2
    near(halve(x, axis), resize(even, tuple(want)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axis", [-1, -2])
def test_double_is_cubic_resampling(size, axis):
    x = noise(3, *size, dtype=torch.float64)
    want = list(size)
    want[axis] *= 2
    doubled = resize(x, tuple(want), "cubic")
    near(double(x, want[axis], axis), doubled)
    near(double(x, want[axis] - 1, axis), doubled.narrow(axis, 0, want[axis] - 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 67), st.integers(1, 67), st.integers(0, 4), st.integers(0, 4))
def test_levels_have_ceil_sizes_keep_constants_and_commute(h, w, ly, lx):
    near(
        Ripmap(torch.full((1, h, w), 0.3))[ly, lx],
        torch.full((1, math.ceil(h / 2**ly), math.ceil(w / 2**lx)), 0.3),
        "step",
    )
    x = noise(1, h, w, dtype=torch.float64)
    columns_first = x
    for _ in range(lx):
        columns_first = halve(columns_first, -1)
    for _ in range(ly):
        columns_first = halve(columns_first, -2)
    near(Ripmap(x)[ly, lx], columns_first)


def test_level_zero_is_the_image_itself():
    x = noise(1, 5, 5)
    assert Ripmap(x)[0, 0] is x


GRATINGS = [(level, times) for level in (1, 2, 3) for times in (1.5, 1.7, 2.3, 2.9, 3.6) if times <= 2**level]
"""Levels and frequencies in units of the level's Nyquist rate, up to the Nyquist rate of the image."""


@pytest.mark.parametrize(("level", "times_nyquist"), GRATINGS)
def test_no_aliasing(level, times_nyquist):
    wave = grating((4, 512), times_nyquist * 0.5 / 2**level)
    assert Ripmap(wave)[0, level][..., 12:-12].abs().max() < 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=60, deadline=None)
@given(h=st.integers(1, 67), w=st.integers(1, 67), axis=st.sampled_from([-1, -2]), turned=st.booleans())
def test_compiled_halving_equals_the_torch_one(dtype, h, w, axis, turned):
    x = noise(2, 3, h, w, dtype=dtype)
    x = x.flip(-1).transpose(-1, -2) if turned else x
    assert usable("pyrascope.signal.kernels.sharp", x) is not None
    found = halve(x, axis)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ripmap, "usable", lambda *_: None)
        near(found, halve(x, axis))


def test_half_types_and_gradients_take_the_torch_path():
    assert usable("pyrascope.signal.kernels.sharp", noise(1, 4, 4).bfloat16()) is None
    assert usable("pyrascope.signal.kernels.sharp", noise(1, 4, 4).requires_grad_()) is None


def test_gradient():
    x = noise(1, 7, 6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: Ripmap(x)[2, 1], x)
    assert torch.autograd.gradcheck(lambda x: double(x, 13, -2), x)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 10**9))
def test_levels_to_one_halves_until_one_is_left(size):
    levels = levels_to_one(size)
    assert math.ceil(size / 2**levels) == 1
    assert levels == 0 or math.ceil(size / 2 ** (levels - 1)) > 1
