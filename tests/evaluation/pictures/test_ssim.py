import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictures import noise, photo
from pyrascope.evaluation.pictures.ssim import ssim
from tolerances import near


@pytest.mark.parametrize("size", [(11, 11), (11, 40), (37, 23), (96, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_scikit_images(size, channels):
    metrics = pytest.importorskip("skimage.metrics")
    image = photo()[:channels, 100 : 100 + size[0], 200 : 200 + size[1]].double()
    for amount in (0.0, 0.02, 0.3):
        shown = (image + amount * (noise(*image.shape, dtype=torch.float64) - 0.5)).clamp(0, 1)
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
        expected = metrics.structural_similarity(image.numpy(), shown.numpy(), channel_axis=0, **options)
        near(ssim(shown, image), expected, "model")  # what is left of two squares


def test_ssim_by_its_definition_at_one_place():
    x, y = noise(1, 11, 11, dtype=torch.float64), noise(1, 11, 11, dtype=torch.float64, seed=1)
    row = torch.exp(-((torch.arange(11.0, dtype=torch.float64) - 5) ** 2) / 4.5)
    w = row[:, None] * row / (row[:, None] * row).sum()
    mx, my = (w * x[0]).sum(), (w * y[0]).sum()
    vx, vy, c = (w * (x[0] - mx) ** 2).sum(), (w * (y[0] - my) ** 2).sum(), (w * (x[0] - mx) * (y[0] - my)).sum()
    expected = (2 * mx * my + 1e-4) * (2 * c + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    near(ssim(x, y), expected.item(), "transform")


@settings(deadline=None, max_examples=8)
@given(st.integers(11, 30), st.integers(11, 30), st.integers(1, 3), st.sampled_from([torch.float32, torch.float64]))
def test_ssim_is_one_for_equals_symmetric_and_bounded(height, width, channels, dtype):
    x, y = noise(channels, height, width, dtype=dtype), noise(channels, height, width, dtype=dtype, seed=1)
    near(ssim(x, x), 1, "step")
    near(ssim(x, y), ssim(y, x), "step")
    assert -1 <= ssim(x, 1 - x) < ssim(x, y) < 1
    near(ssim(x + 2 * (x == x.max()), x), ssim(torch.where(x == x.max(), 1.0, x), x), "step")


@pytest.mark.parametrize("shapes", [((1, 10, 11), (1, 10, 11)), ((1, 12, 12), (3, 12, 12)), ((12, 12), (12, 12))])
def test_what_does_not_fit_is_refused(shapes):
    with pytest.raises(ValueError, match=r"both images must have the same shape \(c, h, w\)"):
        ssim(torch.zeros(shapes[0]), torch.zeros(shapes[1]))
