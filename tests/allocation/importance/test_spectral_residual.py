import numpy as np
import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.importance.spectral_residual import SpectralResidual, smoothed, spectral_residual
from tolerances import near


def by_numpy(plane):
    """The publication's formula, written out."""
    spectrum = np.fft.fft2(plane)
    log, phase = np.log(np.abs(spectrum)), np.angle(spectrum)
    mean = np.zeros_like(log)
    for y in (-1, 0, 1):
        for x in (-1, 0, 1):
            mean += np.roll(log, (y, x), (0, 1)) / 9
    return np.abs(np.fft.ifft2(np.exp(log - mean + 1j * phase))) ** 2


@pytest.mark.parametrize("size", [(8, 8), (13, 30), (64, 48)])
def test_formula(size):
    plane = noise(*size, dtype=torch.float64)
    near(spectral_residual(plane).numpy(), by_numpy(plane.numpy()))


def test_smoothing_keeps_the_sum_and_is_a_gaussian():
    spot = torch.zeros(41, 61, dtype=torch.float64)
    spot[20, 30] = 1
    found = smoothed(spot, 2.5)
    near(found.sum(), torch.tensor(1.0, dtype=torch.float64), "step")
    expected = torch.exp(-0.5 * torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64).square() / 2.5**2)
    near(found[20, [31, 32, 35]] / found[20, 30], expected, "step")


def test_the_odd_item_stands_out():
    image = 0.5 + 0.05 * noise(1, 256, 256)
    image[0, 72:88, 168:184] = 1
    found = SpectralResidual()(Scene(image), 32)
    assert divmod(int(found.argmax()), 8) == (2, 5)


def test_it_sees_the_picture_at_64_samples():
    image = noise(3, 64, 48)
    large = image.repeat_interleave(4, 1).repeat_interleave(4, 2)
    small, big = SpectralResidual()(Scene(image), 4), SpectralResidual()(Scene(large), 16)
    assert float(torch.corrcoef(torch.stack([small.flatten(), big.flatten()]))[0, 1]) > 0.9


def test_side_is_checked():
    with pytest.raises(ValueError, match="side must be a whole number"):
        SpectralResidual(0)
