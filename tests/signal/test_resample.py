import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pictures import grating, noise
from pyrascope.signal.resample import KERNELS, integrate_rows, resize
from tolerances import near

PILLOW = {"lanczos": Image.Resampling.LANCZOS, "linear": Image.Resampling.BILINEAR}
"""Pillow's cubic has a = -1/2 too; torch's is compared below."""


@pytest.mark.parametrize("filter", KERNELS)
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_constants_are_kept_at_every_size(filter, h, w, rows, columns):
    x = torch.full((2, h, w), 0.7, dtype=torch.float64)
    near(resize(x, (rows, columns), filter), torch.full((2, rows, columns), 0.7, dtype=torch.float64))


@pytest.mark.parametrize("filter", PILLOW)
@pytest.mark.parametrize("size", [(16, 24), (13, 40), (60, 90)])
def test_inside_equals_pillow(filter, size):
    """Pillow renormalises at the border where this repeats the edge, so only the inside is compared."""
    x = noise(48, 64)
    ours = resize(x[None], size, filter)[0].numpy()
    theirs = np.asarray(Image.fromarray(x.numpy(), "F").resize(size[::-1], PILLOW[filter]))
    border = 6
    near(ours[border:-border, border:-border], theirs[border:-border, border:-border])


def test_inside_of_cubic_equals_torch_antialias():
    x = noise(1, 1, 48, 64)
    theirs = torch.nn.functional.interpolate(x, (20, 31), mode="bicubic", antialias=True)
    near(resize(x, (20, 31), "cubic")[..., 4:-4, 4:-4], theirs[..., 4:-4, 4:-4])


@pytest.mark.parametrize("scale", [2, 3, 5])
@pytest.mark.parametrize("axis", [-1, -2])
def test_frequencies_above_the_new_nyquist_rate_vanish(scale, axis):
    size = [60, 60]
    wave = grating(size, 1.5 * 0.5 / scale, axis)
    assert resize(wave, (60 // scale, 60 // scale))[..., 4:-4, 4:-4].abs().max() < 0.02


def test_gradient():
    x = noise(1, 5, 6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: resize(x, (3, 9)), x)


def test_unknown_filter_is_refused():
    with pytest.raises(ValueError, match="filter must be one of 'lanczos', 'cubic', 'linear', got 'box'"):
        resize(torch.zeros(1, 4, 4), (2, 2), "box")


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.lists(st.floats(0, 1), min_size=0, max_size=8), st.integers(0, 99))
def test_integral_of_a_step_function(size, places, seed):
    x = noise(size, 1, dtype=torch.float64, seed=seed)
    edges = torch.tensor([0.0, *sorted(places), 1.0], dtype=torch.float64)
    total = np.concatenate([[0], np.cumsum(x[:, 0].numpy())]) / size  # linear in between
    at = np.interp(edges.numpy() * size, np.arange(size + 1), total)
    near(integrate_rows(x, edges)[:, 0], np.diff(at), "step", size=1)
