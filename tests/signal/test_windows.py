"""Windows of levels: those cut from whole levels, and those that are halved on their own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from pictures import noise
from pyrascope.signal.ripmap import Ripmap
from pyrascope.signal.windows import level_windows, windows
from tolerances import near

LEVELS = [(0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 3), (3, 1), (2, 2), (4, 2)]


def brute_force(x, start, size):
    out = torch.empty(len(start), len(x), *size, dtype=x.dtype)
    for n, (top, left) in enumerate(start.tolist()):
        for i in range(size[0]):
            for j in range(size[1]):
                row, column = min(max(top + i, 0), x.shape[1] - 1), min(max(left + j, 0), x.shape[2] - 1)
                out[n, :, i, j] = x[:, row, column]
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), st.booleans(), st.integers(0, 99))
def test_windows_repeat_the_edge(h, w, side, gradient, seed):
    x = noise(2, h, w, seed=seed).requires_grad_(gradient)  # with a gradient the plain path is taken
    start = torch.randint(-20, 20, (4, 2), generator=torch.Generator().manual_seed(seed))
    assert_close(windows(x, start, (side, 3)), brute_force(x.detach(), start, (side, 3)), rtol=0, atol=0)


@pytest.mark.parametrize("gradient", [False, True])
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(LEVELS), st.integers(1, 9), st.data())
def test_level_windows_are_windows_of_the_level(gradient, h, w, level, cell, data):
    x = noise(2, h, w, dtype=torch.float64).requires_grad_(gradient)
    whole = Ripmap(x)[level]
    inside = st.tuples(st.integers(0, whole.shape[1] - 1), st.integers(0, whole.shape[2] - 1))
    start = torch.tensor(data.draw(st.lists(inside, min_size=1, max_size=5)))
    found, expected = level_windows(Ripmap(x), level, start, cell), windows(whole, start, (cell, cell))
    near(found, expected, "step")
    if gradient:
        (gotten,) = torch.autograd.grad(found.square().sum(), x, retain_graph=True)
        (wanted,) = torch.autograd.grad(expected.square().sum(), x)
        near(gotten, wanted)
