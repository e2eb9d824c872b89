"""The ruler itself: what is just nearer than the table says passes, what is just farther fails."""

import numpy as np
import pytest
import torch

from tolerances import DEPTHS, HALF_DEPTHS, HALF_TYPES, TOLERANCE, TYPES, coarser, near, room, scale

EPS = {torch.float64: 2.0**-52, torch.float32: 2.0**-23, torch.bfloat16: 2.0**-7, torch.float16: 2.0**-10}
STEPS = {"step": (8, 2), "filter": (64, 4), "transform": (256, 16), "model": (1024, 64)}


def apart(found, expected, *arguments, **options):
    with pytest.raises(AssertionError):
        near(found, expected, *arguments, **options)


def test_the_table():
    """Written out once more, so that nobody widens it in passing."""
    wide = {(dtype, depth): STEPS[depth][dtype in HALF_TYPES] * EPS[dtype] for dtype in EPS for depth in STEPS}
    assert wide == TOLERANCE
    assert set(TYPES) == set(EPS)


@pytest.mark.parametrize("depths", [DEPTHS, HALF_DEPTHS])
def test_more_arithmetic_leaves_more_room(depths):
    assert list(depths) == list(STEPS)
    assert sorted(depths.values()) == list(depths.values())


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("sign", [1, -1])
def test_just_below_passes_and_just_above_fails(dtype, depth, sign):
    room = sign * 4 * TOLERANCE[dtype, depth]  # the largest of those expected is 4
    expected = torch.tensor([-4.0, 0.0, 1.0], dtype=dtype)
    for place in ([1], [1, 2]) if dtype == torch.float64 else ([1],):
        for share, check in ((0.98, near), (1.02, apart)):
            found = expected.clone()
            found[place] += share * room
            check(found, expected, depth)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_default_is_a_filter(depth):
    found = torch.tensor([1.0, 0.98 * TOLERANCE[torch.float32, depth]])
    check = near if DEPTHS[depth] <= DEPTHS["filter"] else apart
    check(found, torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize("dtype", TYPES)
def test_same_is_bit_for_bit(dtype):
    one = torch.ones(3, dtype=dtype)
    near(one, one.clone(), "same")
    apart(torch.nextafter(one.float(), torch.tensor(2.0)), one.float(), "same")
    apart(one * (1 + torch.finfo(dtype).eps), one, "same")
    near([True, False], [True, False], "same")
    apart([True, False], [True, True], "same")


def test_size_is_that_of_the_terms_that_cancel():
    found, expected = torch.tensor([5e-7]), torch.tensor([1e-7])
    apart(found, expected)
    near(found, expected, size=1)
    apart(found, expected, size=0.01)


def test_room_is_what_near_allows():
    assert room() == TOLERANCE[torch.float64, "filter"]
    for dtype in TYPES:
        near(torch.tensor([0.99 * room(3, "step", dtype)]).to(dtype), torch.zeros(1, dtype=dtype), "step", size=3)
        apart(torch.tensor([1.01 * room(3, "step", dtype)]).to(dtype), torch.zeros(1, dtype=dtype), "step", size=3)


def test_the_scale_is_the_largest_finite_value_or_1():
    assert scale(torch.tensor([1.0, -3.0, torch.inf, torch.nan])) == 3
    assert scale(torch.tensor([0.0, torch.nan])) == scale(torch.zeros(0)) == 1
    assert scale(torch.tensor([3 + 4j])) == 5
    assert scale(torch.tensor([-7])) == 7
    assert scale(torch.tensor([3.0]), 0.5) == 0.5


def test_the_coarser_type_counts_and_a_number_has_none():
    half, single, double = (torch.zeros(1, dtype=dtype) for dtype in (torch.float16, torch.float32, torch.float64))
    assert coarser(double, single) == coarser(single, torch.zeros(1, dtype=torch.int64)) == torch.float32
    assert coarser(half, single) == torch.float16
    assert coarser(half, half.bfloat16()) == torch.bfloat16
    assert coarser(torch.zeros(1, dtype=torch.complex64)) == torch.float32
    assert coarser(torch.zeros(1, dtype=torch.bool)) == torch.float64
    near(torch.tensor(0.1), 0.1)
    near(0.1, torch.tensor(0.1))
    apart(float(torch.tensor(0.1)), 0.1)  # nothing says that it was float32
    near(float(torch.tensor(0.1)), 0.1, dtype=torch.float32)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_has_to_be_the_same(value):
    near(torch.tensor([1.0, value]), torch.tensor([1.0, value]))
    apart(torch.tensor([1.0, value]), torch.tensor([1.0, 2.0]))
    apart(torch.tensor([1.0, 2.0]), torch.tensor([1.0, value]))
    apart(torch.tensor([value]), torch.tensor([-value if value == value else 0.0]))


def test_shapes_have_to_be_equal():
    apart(torch.ones(3), torch.ones(1))
    apart(torch.ones(3), torch.ones(3, 1))
    apart(torch.ones(3), 1.0)
    apart(np.ones((2, 3)), np.ones((3, 2)))
    near(torch.ones(0, 2), torch.ones(0, 2))


def test_each_result_of_a_list_has_a_scale_of_its_own():
    large, small = torch.tensor([1000.0]), torch.tensor([0.001])
    near([large, small], [large, small])
    apart([large, small + 1e-6], (large, small))
    near([1000.0, 0.001 + 1e-13], [1000.0, 0.001])  # numbers are one result
    near([torch.tensor(0.1), torch.tensor(0.2)], [0.1, 0.2])
    near(np.array([[1.0, 2.0], [3.0, 4.0]]), [[1, 2], [3, 4]])
    for found in ([large], [large, small, small], []):
        with pytest.raises(AssertionError, match=f"{len(found)} results for 2 expected"):
            near(found, [large, small])


def test_arrays_tensors_and_what_carries_a_gradient():
    near(np.float32(0.5), torch.tensor(0.5, requires_grad=True))
    near(torch.tensor([1, 2, 3]), np.array([1.0, 2.0, 3.0]))
    near(torch.tensor([1 + 2j]), torch.tensor([1 + 2j]) * (1 + 1e-7))
    apart(torch.tensor([1 + 2j]), torch.tensor([1 - 2j]))
    apart(torch.tensor([1, 2]), torch.tensor([1, 3]))
