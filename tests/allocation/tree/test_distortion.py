import numpy as np
import pytest
import torch

from pictures import noise, photo
from pyrascope.allocation.tree.distortion import direct_distortion, levels_of, recursive_distortion
from pyrascope.allocation.tree.tree import split_tree
from pyrascope.signal.ripmap import Ripmap, double
from tolerances import near

BOTH = [recursive_distortion, direct_distortion]


def levels(size, cell, aspect=4):
    return levels_of(split_tree(((-(-size[0] // cell), -(-size[1] // cell)),), aspect), 0)


@pytest.mark.parametrize("measure", BOTH)
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (50, 33), (64, 64)])
def test_constants_cost_nothing_and_everything_is_finite(measure, size):
    found = measure(torch.full((3, *size), 0.4), 8, levels(size, 8), None)
    for level, sums in found.items():
        assert sums.shape == tuple(-(-n // (8 * 2**times)) for n, times in zip(size, level, strict=True))
        near(sums, np.zeros_like(sums), size=np.prod(size), dtype=torch.float32)


@pytest.mark.parametrize("measure", BOTH)
def test_native_boxes_cost_nothing(measure):
    assert not measure(noise(1, 40, 56), 8, levels((40, 56), 8), None)[0, 0].any()


@pytest.mark.parametrize("measure", BOTH)
def test_first_halving_by_brute_force(measure):
    """One level is exact in both: the squared difference to the interpolated half, box by box, inside the image."""
    x = noise(2, 27, 34, dtype=torch.float64)
    found = measure(x, 4, levels((27, 34), 4), None)
    for level, axis, box in (((1, 0), -2, (8, 4)), ((0, 1), -1, (4, 8))):
        lost = (x - double(Ripmap(x)[level], x.shape[axis], axis)).square().sum(0)
        for iy in range(found[level].shape[0]):
            for ix in range(found[level].shape[1]):
                part = lost[iy * box[0] : (iy + 1) * box[0], ix * box[1] : (ix + 1) * box[1]]
                near(found[level][iy, ix], part.sum().item())


def test_recursion_is_near_the_direct_distortion_on_a_photograph():
    image = photo()[:, :256, 100:420]
    size = (256, 320)
    recursive, direct = (measure(image, 16, levels(size, 16), None) for measure in BOTH)
    for level in levels(size, 16)[1:]:
        if recursive[level].size > 3:
            assert np.corrcoef(recursive[level].ravel(), direct[level].ravel())[0, 1] > 0.99
        np.testing.assert_allclose(recursive[level].sum(), direct[level].sum(), rtol=0.15)


@pytest.mark.parametrize("measure", BOTH)
def test_weight_of_ones_changes_nothing_at_any_resolution(measure):
    x = noise(1, 45, 38)
    plain = measure(x, 8, levels((45, 38), 8), None)
    for shape in [(1, 1), (6, 5), (45, 38), (90, 11)]:
        weighted = measure(x, 8, levels((45, 38), 8), torch.ones(shape, dtype=torch.float64))
        for level in plain:
            near(weighted[level], plain[level], dtype=torch.float32)


@pytest.mark.parametrize("measure", BOTH)
def test_weight_is_linear_and_local(measure):
    x = noise(1, 64, 64)
    left = torch.zeros(1, 2, dtype=torch.float64)
    left[0, 0] = 3.0
    plain, weighted = (measure(x, 8, levels((64, 64), 8), weight) for weight in (None, left))
    for level in [(1, 1), (2, 1), (2, 2)]:
        half = plain[level].shape[1] // 2
        near(weighted[level][:, :half], 3 * plain[level][:, :half], dtype=torch.float32)
        assert not weighted[level][:, half:].any()


def test_only_the_part_inside_the_image_counts():
    x = noise(1, 17, 16, dtype=torch.float64)
    found = recursive_distortion(x, 16, [(0, 0), (1, 0)], None)
    lost = (x - double(Ripmap(x)[1, 0], 17, -2)).square().sum()
    near(torch.tensor(found[1, 0].sum()), lost, "step")


def test_colours_of_equal_luminance_are_seen():
    """Red and green stripes that luminance does not tell from grey, 8 px wide, on the left half only."""
    stripes = (torch.arange(128) // 8 % 2).float().expand(128, 128)
    image = torch.full((3, 128, 128), 0.5)
    image[0, :, :64] += 0.3 * (2 * stripes[:, :64] - 1)
    image[1, :, :64] -= 0.3 * (2 * stripes[:, :64] - 1)
    near(image.sum(0), torch.full((128, 128), 1.5), "step")
    found = recursive_distortion(image, 16, levels((128, 128), 16), None)
    expected = direct_distortion(image, 16, levels((128, 128), 16), None)
    assert found[2, 2][:, 0].min() > 10 * found[2, 2][:, 1].max()
    np.testing.assert_allclose(found[2, 2][:, 0], expected[2, 2][:, 0], rtol=0.3)
