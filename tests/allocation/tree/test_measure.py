"""The weight of the pixels of a level: kernels, torch path and a brute force over overlaps."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from pictures import noise
from pyrascope.allocation.tree.measure import Measure
from pyrascope.signal import backend
from tolerances import near


def overlaps(parts, pixels, times):
    """Lengths in pixels that pixel i of a level shares with part j of an axis: (i, j)."""
    step = 2**times
    low = np.arange(-(-pixels // step)) * step
    high, edges = np.minimum(low + step, pixels), np.arange(parts + 1) * pixels / parts
    return np.clip(np.minimum.outer(high, edges[1:]) - np.maximum.outer(low, edges[:-1]), 0, None)


@settings(max_examples=60, deadline=None)
@given(*[st.integers(1, 40)] * 4, st.integers(0, 3), st.integers(0, 3), st.sampled_from(["numba", "torch"]))
def test_weights_are_integrals_over_the_pixels_of_a_level(h, w, rows, columns, ly, lx, path):
    weight = noise(rows, columns, dtype=torch.float64)
    expected = overlaps(rows, h, ly) @ weight.numpy() @ overlaps(columns, w, lx).T
    with backend.use(path):
        found = Measure((h, w), weight).weights((ly, lx))
    assert found.dtype == torch.float64
    near(found.numpy(), expected, "transform")


def test_a_map_of_the_images_size_is_taken_as_it_is():
    weight = noise(7, 5, dtype=torch.float64)
    assert_close(Measure((7, 5), weight).weights((0, 0)), weight, rtol=0, atol=0)


def test_places_without_weight_cost_nothing():
    """Bit for bit."""
    weight = noise(31, 37, dtype=torch.float64)
    weight[10:20] = 0
    for path in ("numba", "torch"):
        with backend.use(path):
            found = Measure((62, 50), weight).weights((0, 0))
        assert_close(found[20:40], torch.zeros(20, 50, dtype=torch.float64), rtol=0, atol=0)
        assert found.min() >= 0


def test_the_last_row_counts_by_the_part_of_it_that_is_in_the_image():
    found = Measure((5, 12), None)(torch.ones(3, 6), (1, 1))
    assert found.tolist() == [[4.0] * 6, [4.0] * 6, [2.0] * 6]
    found = Measure((4, 13), None)(torch.ones(4, 4), (0, 2))
    assert found.tolist() == [[4.0, 4.0, 4.0, 1.0]] * 4
