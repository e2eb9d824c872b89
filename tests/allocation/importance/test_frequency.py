import pytest
import torch
from torch.testing import assert_close

from pictures import grating, noise
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.importance.frequency import BandEnergy, Information, band_energy, energy_density
from pyrascope.signal.laplacian import laplacian_pyramid
from tolerances import near


@pytest.mark.parametrize(("size", "cell"), [((64, 64), 8), ((50, 37), 8), ((1, 9), 4), ((33, 20), 16)])
def test_band_energy_by_brute_force(size, cell):
    """Each pixel of a band counts its area inside the image, in the box that holds it."""
    image = noise(3, *size, dtype=torch.float64)
    found = band_energy(image, cell, 3)
    for level, band in enumerate(laplacian_pyramid(image, levels=4)[:-1]):
        rows, columns = (-(-n // (cell * 2**level)) for n in size)
        expected = torch.zeros(rows, columns, dtype=torch.float64)
        for y in range(band.shape[-2]):
            for x in range(band.shape[-1]):
                area = min(2**level, size[0] - y * 2**level) * min(2**level, size[1] - x * 2**level)
                expected[y // cell, x // cell] += area * band[:, y, x].square().sum()
        near(found[level], expected, "transform")


def test_weight_multiplies_the_energy_where_it_lies():
    image, left = noise(1, 32, 32), torch.tensor([[3.0, 0.0]], dtype=torch.float64)
    for plain, weighted in zip(band_energy(image, 8, 2), band_energy(image, 8, 2, left), strict=True):
        half = plain.shape[1] // 2
        near(weighted[:, :half], 3 * plain[:, :half], dtype=torch.float32)
        assert not weighted[:, half:].any()


def test_a_fine_grating_is_in_the_fine_band_and_a_coarse_one_in_a_coarse_band():
    fine, coarse = (energy_density(grating((128, 128), f), 16, 4)[:, 2:-2, 2:-2].sum((1, 2)) for f in (0.4, 0.05))
    assert (int(fine.argmax()), int(coarse.argmax())) == (0, 2)


def test_density_is_the_energy_of_uniform_texture():
    image = grating((128, 128), 0.125)
    spread = energy_density(image, 16, 2)[:, 2:-2, 2:-2]
    boxes = band_energy(image, 16, 2)
    assert_close(spread[0].mean(), boxes[0][2:-2, 2:-2].mean() / 256, rtol=1e-3, atol=0)
    assert_close(spread[1].mean(), boxes[1][1:-1, 1:-1].mean() / 1024, rtol=0.03, atol=0)


def test_coarse_bands_are_read_where_the_cell_lies():
    """A spot on a pixel of all lattices gives a map of every band that is symmetric about it."""
    image = torch.zeros(1, 129, 129, dtype=torch.float64)
    image[0, 64, 64] = 1
    for density in energy_density(image, 1, 3):
        near(density, density.flip(0), "step")
        near(density, density.flip(1), "step")


def test_information_counts_bits_by_the_formula():
    image = grating((64, 64), 0.4)
    signal = energy_density(image, 16, 1)[0]
    image = torch.cat([image, image * 0], -1)  # information on the left only
    found = Information(levels=1, noise=0.1)(Scene(image), 16)
    expected = torch.log2(1 + energy_density(image, 16, 1)[0] / 0.01)
    near(found, expected / expected.mean(), "step")
    near(found[:, 5:], torch.zeros_like(found[:, 5:]))
    assert float(found[:, :3].min()) > 0.1
    assert signal.min() > 0.1


def test_information_counts_contrast_less_than_energy_does():
    quiet, loud = grating((64, 64), 0.25), grating((64, 64), 0.25) * 4
    scene = Scene(torch.cat([quiet, loud], -1))
    energy, bits = (one(scene, 16) for one in (BandEnergy(levels=1), Information(levels=1)))
    assert_close(energy[:, -2].mean() / energy[:, 1].mean(), torch.tensor(16.0, dtype=torch.float64), rtol=1e-2, atol=0)
    assert float(bits[:, -2].mean() / bits[:, 1].mean()) < 1.5


@pytest.mark.parametrize("make", [lambda: BandEnergy(levels=0), lambda: Information(noise=0.0), lambda: Information(0)])
def test_options_are_checked(make):
    with pytest.raises(ValueError, match="must be"):
        make()
