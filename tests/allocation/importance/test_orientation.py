import math

import pytest
import torch
from torch.testing import assert_close

from pictures import noise, photo
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.importance.importance import on_cells
from pyrascope.allocation.importance.orientation import (
    Orientation,
    anisotropy,
    dominant_angle,
    gradient,
    orientation_energy,
    structure_tensor,
)
from pyrascope.allocation.importance.planes import luminance
from pyrascope.signal.laplacian import laplacian_pyramid
from pyrascope.signal.steerable import steerable_pyramid
from tolerances import near

ANGLES = [0, 20, 45, 80, 90, 110, 135, 170]


def lines(angle, wavelength=5.0, size=(96, 128)):
    """Lines at an angle, counter-clockwise as looked at: the crests run along (cos, -sin) in (x, y down)."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing="ij")
    return torch.cos(2 * math.pi / wavelength * (x * math.sin(angle) + y * math.cos(angle)))[None]


def apart(found, angle):
    """Difference of angles of lines, at most pi / 2."""
    turn = (found - angle).remainder(math.pi)
    return torch.minimum(turn, math.pi - turn)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("wavelength", [3.0, 5.0, 9.0])
def test_gratings_at_known_angles(degrees, wavelength):
    angle = math.radians(degrees)
    image = lines(angle, wavelength)
    energy = orientation_energy(image, 16)
    assert float(apart(dominant_angle(energy), angle).max()) < math.radians(0.05)
    assert float(anisotropy(energy).min()) > 0.9
    assert_close(energy.sum(0), torch.full_like(energy[0], 0.5), rtol=1e-3, atol=0)  # the power of a cosine
    tensor_angle, coherence = structure_tensor(image, 16)
    assert float(apart(tensor_angle, angle).max()) < math.radians(2)
    assert float(coherence.min()) > 0.95


@pytest.mark.parametrize("count", [3, 4, 8, 11])
def test_the_dominant_angle_is_not_bound_to_the_bands(count):
    angle = math.radians(33)
    assert float(apart(dominant_angle(orientation_energy(lines(angle), 16, count)), angle).max()) < math.radians(3)


def test_energy_is_that_of_the_steerable_pyramid():
    """Squared magnitudes of complex bands, averaged over cells, on the fine detail of a photograph, off its border."""
    plane = luminance(photo()[:, 96:288, 192:384])[None]
    plane = laplacian_pyramid(plane, levels=2)[0]
    found = orientation_energy(plane, 16, 4)
    pyramid = steerable_pyramid(plane, levels=3, orientations=4, complex=True, decimate=False)
    bands = [torch.stack([0.5 * band[0].abs().square() for band in row]) for row in pyramid.bands]
    expected = on_cells(sum(bands), (192, 192), 16)
    inner = (slice(None), slice(3, -3), slice(3, -3))
    for one, other in zip(found[inner], expected[inner], strict=True):
        both = torch.stack([one.flatten(), other.flatten()]).log()
        assert float(torch.corrcoef(both)[0, 1]) > 0.93
    angles = [dominant_angle(energy) for energy in (found[inner], expected[inner])]
    directed = anisotropy(expected[inner]) > 0.5
    assert float(apart(*angles)[directed].median()) < math.radians(5)


def test_anisotropy_is_low_for_noise_and_for_crossed_lines():
    assert float(anisotropy(orientation_energy(noise(1, 128, 128), 16)).mean()) < 0.2
    crossed = lines(0.4, 4.0) + lines(0.4 + math.pi / 2, 4.0)
    assert float(anisotropy(orientation_energy(crossed, 16)).max()) < 0.02


def test_anisotropy_by_hand():
    one_way = torch.tensor([1.0, 0.0, 0.0, 0.0])[:, None, None]
    even, none = torch.ones(4, 1, 1), torch.zeros(4, 1, 1)
    for energy, expected in ((one_way, 1.0), (even, 0.0), (none, 0.0)):
        near(anisotropy(energy), torch.tensor([[expected]], dtype=torch.float64), "step")
    assert dominant_angle(none).item() == 0
    assert not anisotropy(torch.ones(1, 2, 2)).any()


def test_steerable_and_structure_tensor_agree_on_a_photograph():
    energy = orientation_energy(photo(), 16)
    angle, coherence = structure_tensor(photo(), 16)
    clear = (coherence > 0.7) & (anisotropy(energy) > 0.5)
    assert int(clear.sum()) > 50
    assert float(apart(dominant_angle(energy), angle)[clear].median()) < math.radians(6)


def test_gradient_of_a_ramp():
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(7.0), indexing="ij")
    down, right = gradient(2 * y - 3 * x)
    near(down[1:-1, 1:-1], torch.full((4, 5), 2.0), "step")
    near(right[1:-1, 1:-1], torch.full((4, 5), -3.0), "step")


def test_map_prefers_directed_structure_to_noise_of_the_same_energy():
    texture = noise(1, 64, 64, dtype=torch.float64) - 0.5
    image = torch.cat([texture * (0.5 / texture.var()).sqrt(), lines(0.5, 5.0, (64, 64))], -1)
    found = Orientation()(Scene(image), 16)
    assert float(found[:, 5:].mean()) > 3 * float(found[:, :3].mean())


def test_map_of_one_angle():
    image = torch.cat([lines(0.0, 5.0, (64, 64)), lines(math.pi / 2, 5.0, (64, 64))], -1)
    across, along = (Orientation(angle=angle)(Scene(image), 16) for angle in (0.0, math.pi / 2))
    assert float(across[:, :3].min()) > 100 * float(across[:, 5:].max())
    assert float(along[:, 5:].min()) > 100 * float(along[:, :3].max())


@pytest.mark.parametrize("cell", [1, 3, 8, 14, 40, 100])
def test_any_cell(cell):
    energy = orientation_energy(lines(0.3), cell)
    assert energy.shape == (8, -(-96 // cell), -(-128 // cell))
    assert float(apart(dominant_angle(energy), 0.3).max()) < math.radians(1)


@pytest.mark.parametrize("make", [lambda: Orientation(2), lambda: Orientation(angle=math.inf)])
def test_options_are_checked(make):
    with pytest.raises(ValueError, match="must be"):
        make()
