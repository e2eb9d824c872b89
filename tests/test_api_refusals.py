"""Budgets, images, cells, methods and contexts that cannot be."""

import numpy as np
import pytest
import torch

import pyrascope as ps
from containers import CELL, MOST, picture, sentence
from pictures import noise


@pytest.mark.parametrize("method", [None, ps.methods.Uniform(), ps.methods.Resize(), ps.methods.Random()], ids=repr)
@pytest.mark.parametrize(
    ("budget", "error"),
    [(0, ValueError), (-1, ValueError), (MOST + 1, ValueError), (10**400, ValueError), (None, ValueError)]
    + [(value, TypeError) for value in (1.5, 3.0, "3", True, [3], np.float32(3), "x" * 10**4)],
)
def test_budgets_out_of_range_name_the_range(budget, error, method):
    with pytest.raises(error, match=f"budget .*from 1 to {MOST}, got .*40x56 px image has 5x7 cells of 8 px") as caught:
        ps.plan(picture(), budget, method, CELL)
    sentence(caught)


@pytest.mark.parametrize(("budget", "error"), [(1, ValueError), (37, ValueError), (None, ValueError), (4.0, TypeError)])
def test_joint_budgets_name_the_joint_range(budget, error):
    with pytest.raises(error, match=r"from 2 to 36, got .*2 images have 36 cells of 8 px") as caught:
        ps.plan([picture(), noise(1, 4, 4)], budget, cell=CELL)
    sentence(caught)


@pytest.mark.parametrize("budget", [np.int64(4), np.uint8(4), torch.tensor(4)])
def test_whole_numbers_of_any_type_are_budgets(budget):
    assert ps.plan(picture(), budget).tokens == 4


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_numbers_that_are_not_finite_are_refused(value, kind):
    array = np.zeros((3, 8, 8))
    plan = ps.plan(kind(array.copy()), 1, cell=8)
    array[1, 2, 3] = value
    for call in (lambda: ps.plan(kind(array), 1, cell=8), lambda: ps.gather(kind(array), plan)):
        with pytest.raises(ValueError, match=r"image must hold finite numbers, got (NaN|infinity)") as caught:
            call()
        sentence(caught)


@pytest.mark.parametrize(
    ("image", "error", "match"),
    [
        (None, TypeError, "image must be a path, a PIL image"),
        (3, TypeError, "image must be .* got int"),
        (b"a.png", TypeError, "image must be .* got bytes"),
        ([], ValueError, "at least one, got none"),
        (torch.zeros(0, 3, 8, 8), ValueError, "at least one, got none"),
        ([[0.5, 1.0]], TypeError, "image must be .* got list"),
        (np.zeros((2, 3, 8, 8)), ValueError, r"image must be an array \(h, w\) or \(h, w, c\)"),
        (np.zeros((0, 8)), ValueError, "at least one pixel"),
        (np.zeros((8, 8), complex), TypeError, "image must hold floats .* got complex128"),
        (np.zeros((8, 8), bool), TypeError, "image must hold floats .* got bool"),
        (torch.zeros(8, 8), ValueError, r"image must be a tensor \(c, h, w\)"),
        (torch.zeros(3, 8, 0), ValueError, "at least one pixel"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), TypeError, "image must hold floats .* got torch.int64"),
        ("no/such.png", FileNotFoundError, "image file must be a readable file, got 'no/such.png'"),
        (".", IsADirectoryError, "image file must be a readable file"),
    ],
)
def test_what_is_no_image_is_refused(image, error, match):
    with pytest.raises(error, match=match) as caught:
        ps.plan(image, 1)
    sentence(caught)


@pytest.mark.parametrize(
    ("cell", "error"), [(0, ValueError), (-4, ValueError), (4097, ValueError), (1.0, TypeError), ("8", TypeError)]
)
def test_wrong_cells_name_the_range(cell, error):
    with pytest.raises(error, match="cell must be a whole number from 1 to 4096, got") as caught:
        ps.plan(picture(), 1, cell=cell)
    sentence(caught)


@pytest.mark.parametrize("cell", [1, 7, 4096])
def test_any_cell_in_range_will_do(cell):
    plan = ps.plan(picture(), 1, cell=cell)
    assert ps.gather(picture(), plan).shape == (1, cell, cell, 3)


@pytest.mark.parametrize("method", [ps.methods.Random, "uniform", 5, ps.methods])
def test_what_is_no_method_is_refused(method):
    with pytest.raises(TypeError, match=r"method must be one of pyrascope.methods, made, such as .*, got") as caught:
        ps.plan(picture(), 1, method)
    sentence(caught)


@pytest.mark.parametrize("context", ["what is this?", {"question": "?"}, 3])
def test_what_is_no_context_is_refused(context):
    with pytest.raises(TypeError, match=r"context must be a pyrascope.Context, got"):
        ps.plan(picture(), 1, context=context)
    with pytest.raises(TypeError, match=r"context must be a pyrascope.Context, got"):
        ps.plan([picture()], 1, context=[context])
    with pytest.raises(ValueError, match="context must be a list with one entry for each of the 2 images"):
        ps.plan([picture()] * 2, 2, context=[ps.Context()])
