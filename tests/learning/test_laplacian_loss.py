import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from pyrascope.learning.losses.laplacian import LaplacianLoss, laplacian_loss
from pyrascope.signal import backend
from pyrascope.signal.boundary import MODES
from pyrascope.signal.gaussian import gaussian_pyramid
from pyrascope.signal.laplacian import laplacian_pyramid
from tolerances import near

NORMS = ("l1", "l2", "charbonnier")


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def two_pyramids(x, y, weights, norm, mode, mask=None):
    """Per plane, in the reference's words: one pyramid of each image, and the distance of their bands."""
    loss = torch.zeros(x.shape[:-2], dtype=x.dtype)
    masks = gaussian_pyramid(torch.ones_like(x) if mask is None else mask.expand(x.shape), len(weights), mode)
    pyramids = [laplacian_pyramid(image, len(weights), mode) for image in (x, y)]
    for weight, a, b, m in zip(weights, *pyramids, masks, strict=True):
        cost = {"l1": (a - b).abs(), "l2": (a - b) ** 2, "charbonnier": ((a - b) ** 2 + 1e-6).sqrt() - 1e-3}[norm]
        loss += weight * (cost * m).sum((-2, -1)) / m.sum((-2, -1))
    return loss


@settings(max_examples=100, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    mode=st.sampled_from(["reflect", "replicate", "circular"]),
    norm=st.sampled_from(NORMS),
    weights=st.lists(st.floats(0, 2), min_size=1, max_size=6),
    seed=st.integers(0, 2**31),
    masked=st.booleans(),
)
def test_equals_the_two_pyramid_formula_at_every_size(size, mode, norm, weights, seed, masked):
    x, y = noise(2, 3, *size, seed=seed), noise(2, 3, *size, seed=seed + 1)
    mask = noise(3, *size, seed=seed + 2) if masked else None
    expected = two_pyramids(x, y, weights, norm, mode, mask)
    loss = [laplacian_loss(x, y, len(weights), weights, norm, r, mode, mask) for r in ("none", "mean", "sum")]
    near(loss, [expected, expected.mean(), expected.sum()])


def test_4x4_by_hand():
    # Difference 16 at (2, 2) of 4x4, mode "constant". Per axis, reduce of (0, 0, 1, 0) is (1, 6) / 16 and expand of
    # that has taps (6, 4, 1) / 8 at distances 0, 1, 2: (12, 28, 37, 24) / 128.
    axis = np.array([12, 28, 37, 24]) / 128
    band = -16 * np.outer(axis, axis)
    band[2, 2] += 16
    residual = 16 * np.outer([1, 6], [1, 6]) / 256
    difference = torch.zeros(4, 4, dtype=torch.float64)
    difference[2, 2] = 16
    args = (difference + 0.5, torch.full_like(difference, 0.5), 2, (1, 0.5))
    expected = np.abs(band).mean() + 0.5 * residual.mean()
    near(laplacian_loss(*args, mode="constant").item(), expected, "step")
    squares = (band**2).mean() + 0.5 * (residual**2).mean()
    near(laplacian_loss(*args, norm="l2", mode="constant").item(), squares, "step")


def test_a_constant_difference_is_seen_by_the_residual_alone():
    x = torch.full((2, 3, 33, 20), 0.75)
    near(laplacian_loss(x, x - 0.5), torch.tensor(0.125 * 0.5), "step")
    near(laplacian_loss(x, x - 0.5, 1, (3,)), torch.tensor(1.5), "step")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("norm", NORMS)
def test_gradcheck(norm, mode):
    x, y = noise(2, 5, 6).requires_grad_(), noise(2, 5, 6, seed=1).requires_grad_()
    mask = noise(5, 6, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, y, m: laplacian_loss(x, y, 3, (1, 0.5, 0.25), norm, "none", mode, m), (x, y, mask)
    )
    if norm != "l1":
        assert torch.autograd.gradgradcheck(lambda x: laplacian_loss(x, y.detach(), norm=norm, mode=mode), x)


@pytest.mark.parametrize("norm", NORMS)
def test_zero_with_zero_gradient_at_equality(norm):
    x = noise(3, 9, 7).requires_grad_()
    loss = laplacian_loss(x, x.detach().clone(), norm=norm)
    loss.backward()
    assert loss.item() == 0
    assert_close(x.grad, torch.zeros_like(x), rtol=0, atol=0)
    assert laplacian_loss(x, x + 1e-9, norm=norm) > 0


def test_weights_scale_and_pick_bands():
    x, y = noise(3, 16, 17), noise(3, 16, 17, seed=1)
    whole = laplacian_loss(x, y)
    near(laplacian_loss(x, y, weights=(3, 1.5, 0.75, 0.375)), 3 * whole, "step")
    single = [laplacian_loss(x, y, weights=[float(i == band) for i in range(4)]) for band in range(4)]
    near(single[0] + 0.5 * single[1] + 0.25 * single[2] + 0.125 * single[3], whole, "step")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mask", [torch.ones(9, 6), torch.full((2, 1, 9, 6), 0.3), torch.ones(9, 6).bool()])
def test_a_constant_mask_is_no_mask(mode, mask):
    x, y = noise(2, 3, 9, 6), noise(2, 3, 9, 6, seed=1)
    for reduction in ("none", "mean"):
        loss = laplacian_loss(x, y, reduction=reduction, mode=mode)
        near(laplacian_loss(x, y, reduction=reduction, mode=mode, mask=mask), loss, "step")


def test_masked_pixels_far_from_the_rest_cost_nothing():
    x, mask = torch.zeros(32, 32), torch.zeros(32, 32)
    x[:4], mask[28:] = 1, 1
    assert laplacian_loss(x, torch.zeros_like(x), 2, (1, 1), mask=mask) == 0
    assert laplacian_loss(x, torch.zeros_like(x), 2, (1, 1), mask=1 - mask) > 0
    none = laplacian_loss(x.requires_grad_(), torch.ones(32, 32), mask=torch.zeros(32, 32))
    none.backward()
    assert none == 0
    assert x.grad.abs().max() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_type_follows_the_images(dtype):
    x, y = noise(3, 33, 20), noise(3, 33, 20, seed=1)
    loss = laplacian_loss(x.to(dtype), y.to(dtype), mask=noise(33, 20, seed=2))
    assert loss.dtype == dtype
    expected = laplacian_loss(x, y, mask=noise(33, 20, seed=2))
    near(loss.double(), expected, dtype=dtype)


def test_nan_stays_nan():
    x = torch.full((4, 4), math.nan)
    assert laplacian_loss(x, torch.zeros(4, 4)).isnan()


def test_module_is_the_function():
    x, y, mask = noise(2, 3, 9, 8), noise(2, 3, 9, 8, seed=1), noise(9, 8, seed=2)
    assert_close(LaplacianLoss()(x, y), laplacian_loss(x, y), rtol=0, atol=0)
    loss = LaplacianLoss(2, [1, 2], "l2", "none", "circular")
    assert_close(loss(x, y, mask), laplacian_loss(x, y, 2, (1, 2), "l2", "none", "circular", mask), rtol=0, atol=0)
    assert repr(loss) == "LaplacianLoss(2, (1.0, 2.0), 'l2', 'none', 'circular')"
    assert not list(loss.parameters())


def test_refusals():
    x = torch.ones(3, 8, 8)
    with pytest.raises(ValueError, match="one weight per level, 3 in all, got 4"):
        LaplacianLoss(levels=3)
    with pytest.raises(ValueError, match="finite and not negative"):
        LaplacianLoss(2, (1, -1))
    with pytest.raises(ValueError, match="finite and not negative"):
        LaplacianLoss(2, (1, math.nan))
    for weights in (0.5, ("a", 1), None):
        with pytest.raises(TypeError, match="weights must be numbers, one per level"):
            LaplacianLoss(2, weights)
    with pytest.raises(ValueError, match="levels must be a whole number >= 1, got 0"):
        LaplacianLoss(0, ())
    with pytest.raises(ValueError, match="norm must be one of 'l1', 'l2', 'charbonnier', got 'l3'"):
        LaplacianLoss(norm="l3")
    with pytest.raises(ValueError, match="reduction must be one of"):
        LaplacianLoss(reduction="median")
    with pytest.raises(ValueError, match="mode must be one of"):
        LaplacianLoss(mode="edge")
    with pytest.raises(ValueError, match=r"same shape, got \(3, 8, 8\) and \(1, 8, 8\)"):
        laplacian_loss(x, x[:1])
    with pytest.raises(TypeError, match=r"prediction must be a floating torch tensor, got torch\.uint8"):
        laplacian_loss(x.byte(), x)
    with pytest.raises(TypeError, match="target must be a floating torch tensor, got ndarray"):
        laplacian_loss(x, x.numpy())
    with pytest.raises(TypeError, match="mask must be a torch tensor or None, got list"):
        laplacian_loss(x, x, mask=[1])
    for shape in ((8,), (1, 1), (2, 8, 8), (1, 3, 8, 8)):
        with pytest.raises(ValueError, match=r"mask must have shape \(8, 8\) or one that broadcasts to \(3, 8, 8\)"):
            laplacian_loss(x, x, mask=torch.ones(shape))
    with pytest.raises(ValueError, match="two spatial axes"):
        laplacian_loss(x[0, 0], x[0, 0])


def test_gradient_of_l1_equals_that_of_torch_alone_batched_and_with_a_graph():
    def difference(x):
        return laplacian_loss(x, target, reduction="none")

    target, x = torch.zeros(2, 20, 33, dtype=torch.float64), torch.rand(2, 20, 33, dtype=torch.float64).requires_grad_()
    weights = torch.eye(2, dtype=torch.float64)
    with backend.use("torch"):
        expected = [torch.autograd.grad(difference(x), x, row)[0] for row in weights]
    with backend.use("numba"):
        for graph in (False, True):
            for row, grad in zip(weights, expected, strict=True):
                near(torch.autograd.grad(difference(x), x, row, create_graph=graph)[0], grad, "step")
        loss = difference(x)
        batched = torch.autograd.grad(loss, x, weights, is_grads_batched=True)[0]
    near(batched, torch.stack(expected), "step")
