import math

import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.importance import Query, Saliency
from pyrascope.allocation.importance.planes import area_levels, halved, levelled, luminance
from pyrascope.allocation.importance.saliency import centre_surround, itti, opponents, oriented, promote
from tolerances import near, room


def items(draw, odd, at=(3, 5), grid=(6, 8), pitch=64):
    """A grid of 40 px items on grey, one of them the odd one out, (3, h, w)."""
    image = torch.full((3, grid[0] * pitch, grid[1] * pitch), 0.5)
    for row in range(grid[0]):
        for column in range(grid[1]):
            patch = image[:, row * pitch + 12 : row * pitch + 52, column * pitch + 12 : column * pitch + 52]
            patch[:] = (odd if (row, column) == at else draw)(patch)
    return image


def plain(red, green, blue):
    return lambda patch: torch.tensor([red, green, blue])[:, None, None].expand_as(patch)


def bar(axis):
    def draw(patch):
        patch = patch.clone()
        patch.narrow(axis, 16, 8).fill_(1.0)
        return patch

    return draw


@pytest.mark.parametrize(
    "image",
    [
        items(plain(0.6, 0.6, 0.6), plain(1.0, 1.0, 1.0)),
        items(plain(0.5, 0.8, 0.4), plain(0.9, 0.3, 0.4)),
        items(bar(1), bar(2)),
    ],
    ids=["intensity", "colour", "orientation"],
)
def test_the_odd_one_out_stands_out(image):
    found = Saliency()(Scene(image), 16)
    row, column = divmod(int(found.argmax()), found.shape[1])
    assert (row // 4, column // 4) == (3, 5)


def test_a_larger_picture_of_the_same_has_the_same_map():
    """Beyond 640 px pictures are halved first: scale does not matter."""
    image = items(plain(0.5, 0.8, 0.4), plain(0.9, 0.3, 0.4))
    large = image.repeat_interleave(2, 1).repeat_interleave(2, 2)
    small, big = Saliency()(Scene(image), 16), Saliency()(Scene(large), 32)
    assert float(torch.corrcoef(torch.stack([small.flatten(), big.flatten()]))[0, 1]) > 0.99


def test_saliency_does_not_ask():
    image, features = noise(3, 64, 64), noise(4, 4, 8) - 0.5
    scenes = [Scene(image, context=Context(query=noise(8, seed=seed) - 0.5, features=features)) for seed in (1, 2)]
    assert torch.equal(*(Saliency()(scene, 16) for scene in scenes))
    first, second = (Query()(scene, 16) for scene in scenes)
    assert not torch.allclose(first, second, atol=0.1)


def test_centre_surround_by_hand():
    levels = [noise(2, 8, 12, seed=1), noise(2, 4, 6, seed=2)]
    fine, coarse = centre_surround(levels)
    whole = levels[1].mean((1, 2))[:, None, None]
    wide = torch.nn.functional.interpolate(levels[1][None], (8, 12), mode="bilinear")[0]
    near(fine, ((levels[0] - wide).norm(dim=0) + (levels[0] - whole).norm(dim=0)) / 2, "step")
    near(coarse, (levels[1] - whole).norm(dim=0), "step")


def test_centre_surround_of_a_constant_is_nothing():
    for level in centre_surround(area_levels(torch.full((3, 9, 7), 0.25), 4)):
        near(level, torch.zeros_like(level), "step")


def test_promotion_prefers_one_peak_to_many():
    one, many = torch.zeros(32, 32), torch.zeros(32, 32)
    one[5, 7] = 2.0
    many[2::4, 2::4] = 2.0
    assert float(promote(one).max()) == 1.0
    assert float(promote(many).max()) == 0.0
    two = one.clone()
    two[20, 20] = 1.0
    near(promote(two).max(), torch.tensor((1 - 0.5 / 63) ** 2), "step")


def test_opponents_of_pure_colours():
    colours = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1], [0.05, 0, 0]]).T[:, None]
    red_green, blue_yellow = opponents(colours)
    near(red_green[0], torch.tensor([3.0, -3.0, 0.0, 0.0, 0.0, 0.0]), "step")
    near(blue_yellow[0], torch.tensor([0.0, 0.0, 3.0, -1.5, 0.0, 0.0]), "step")


@pytest.mark.parametrize("k", range(4))
def test_oriented_bands_prefer_their_angle(k):
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    angle = math.pi * k / 4
    found = oriented(torch.cos((x * math.sin(angle) + y * math.cos(angle)) * 0.5))
    assert int(found.mean((1, 2)).argmax()) == k


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (5, 8), (9, 7)])
def test_halved_by_hand(size):
    x = noise(1, *size, dtype=torch.float64)
    found = halved(x)
    assert found.shape == (1, -(-size[0] // 2), -(-size[1] // 2))
    near(halved(torch.ones_like(x)), torch.ones_like(found), "step")
    if size == (5, 8):
        inner = x[0, 1:5, 1:5]
        taps = torch.tensor([1.0, 3, 3, 1], dtype=torch.float64) / 8
        near(found[0, 1, 1], taps @ inner @ taps, "step")


def test_luminance_and_levelled():
    near(luminance(torch.tensor([1.0, 0.5, 0.25])[:, None, None]), torch.tensor([[0.299 + 0.2935 + 0.0285]]), "step")
    near(luminance(torch.tensor([1.0, 0.5])[:, None, None]), torch.tensor([[0.75]]), "step")
    assert not levelled(torch.full((2, 3, 3), 0.1)).any()


def test_itti_of_any_channels():
    for channels in (1, 2, 3, 6):
        found = itti(noise(channels, 40, 56))
        assert bool(found.isfinite().all())
        assert float(found.min()) > -room(dtype=torch.float32)
