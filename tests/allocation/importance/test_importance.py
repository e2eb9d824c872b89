import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictures import noise
from pyrascope.allocation.importance.importance import normalised, on_cells, weight_of
from pyrascope.allocation.tree.measure import Measure
from tolerances import near


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99), st.sampled_from([5e-324, 1e-300, 1.0, 1e300]))
def test_normalised_has_mean_one_and_keeps_ratios(rows, columns, seed, scale):
    values = noise(rows, columns, dtype=torch.float64, seed=seed)
    found = normalised(values * scale)
    near(found.mean(), torch.tensor(1.0, dtype=torch.float64))
    assert found.dtype == torch.float64
    assert bool((found >= 0).all())
    if scale > 1e-310:
        near(found * values.mean(), values)


@pytest.mark.parametrize("value", [0.0, 0.1, 3.0, 1e308])
def test_no_preference_is_exactly_ones(value):
    assert bool((normalised(torch.full((3, 7), value, dtype=torch.float64)) == 1).all())


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (torch.tensor([[1.0, -1.0]]), "not negative"),
        (torch.tensor([[1.0, float("nan")]]), "finite"),
        (torch.tensor([[float("inf")]]), "finite"),
        (torch.ones(3), "rows, columns"),
        (torch.ones(0, 3), "rows, columns"),
    ],
)
def test_normalised_refuses(bad, match):
    with pytest.raises(ValueError, match=match):
        normalised(bad)


@pytest.mark.parametrize(("size", "cell"), [((1, 1), 4), ((17, 32), 16), ((30, 23), 7), ((8, 5), 1)])
def test_cells_are_means_of_their_pixels(size, cell):
    values = noise(*size, dtype=torch.float64)
    found = on_cells(values, size, cell)
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            part = values[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
            near(found[row, column], part.mean())


@pytest.mark.parametrize(("size", "cell"), [((17, 32), 16), ((30, 23), 7), ((8, 5), 1), ((48, 64), 16), ((40, 24), 16)])
def test_weight_lies_on_the_cells(size, cell):
    rows, columns = (-(-n // cell) for n in size)
    values = noise(rows, columns, dtype=torch.float64)
    weight = weight_of(values, size, cell)
    expected = values.repeat_interleave(cell, 0).repeat_interleave(cell, 1)[: size[0], : size[1]]
    near(Measure(size, weight).weights((0, 0)), expected, "step")
    if all(n % cell == 0 for n in size):
        assert weight.shape == values.shape
    near(on_cells(weight, size, cell), values)


def test_weight_without_it_is_off_where_cells_are_cut():
    values = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    assert not np.allclose(Measure((17, 16), values).weights((0, 0))[10], 1.0)
