"""What regions are worth and how large they are, each by a loop over the cells."""

import math

import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.grids.region_plans import FEWEST, MOST, TIER, check_region, region_side, region_sums
from tolerances import near


def by_hand(size, cell, side, values, weight):
    """Each pixel adds the value of its cell times its weight to its region."""
    rows, columns = (math.ceil(pixels / (cell * side)) for pixels in size)
    sums = torch.zeros(rows, columns, dtype=torch.float64)
    for y in range(size[0]):
        for x in range(size[1]):
            sums[y // (cell * side), x // (cell * side)] += float(values[y // cell, x // cell]) * float(weight[y, x])
    return sums


@pytest.mark.parametrize("side", [1, 2])
def test_cells_that_the_border_cuts_count_by_their_area(side):
    size, cell = (20, 30), 16
    values = noise(2, 2, dtype=torch.float64)
    scene = Scene(noise(3, *size))
    near(region_sums(scene, values, cell, side), by_hand(size, cell, side, values, torch.ones(size)))


def test_heights_and_widths_are_those_of_the_cells():
    assert region_sums(Scene(torch.zeros(1, 20, 30)), torch.ones(2, 2), 16, 1).tolist() == [[256, 224], [64, 56]]


def test_the_weight_multiplies_what_a_pixel_is_worth():
    size, cell = (20, 30), 8
    values = noise(3, 4, dtype=torch.float64, seed=1)
    weight = noise(*size, dtype=torch.float64, seed=2)
    scene = Scene(noise(3, *size), weight)
    near(region_sums(scene, values, cell, 2), by_hand(size, cell, 2, values, weight))


def test_a_side_is_the_smallest_that_leaves_so_many_regions():
    sizes, cell = [(50, 130), (20, 30)], 16  # 4 x 9 and 2 x 2 cells
    for regions in range(2, 41):
        side = region_side(sizes, cell, regions)
        counts = [
            sum(math.ceil(r / s) * math.ceil(c / s) for r, c in ((4, 9), (2, 2)))
            for s in range(max(side - 1, 1), side + 1)
        ]
        assert counts[-1] <= regions
        assert side == 1 or counts[0] > regions


def test_the_numbers_without_a_budget():
    assert (TIER, FEWEST, MOST) == (20, 64, 400)


def test_a_region_holds_its_fewest_tokens():
    check_region(3, 9, 9)
    with pytest.raises(ValueError, match="minimum must be at most 9, the cells of a region of 3x3, got 10"):
        check_region(3, 10, None)
