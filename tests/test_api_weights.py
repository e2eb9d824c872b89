"""Weights: what they draw, and what they leave."""

import numpy as np
import pytest
import torch

import pyrascope as ps
from containers import CELL, SIZE, picture, sentence
from pictures import noise


@pytest.mark.parametrize(
    ("weight", "error", "match"),
    [
        (np.full((2, 2), -1e-9), ValueError, "weight must be finite and not negative"),
        (np.array([[1, np.nan]]), ValueError, "weight must be finite and not negative"),
        (np.array([[1, np.inf]]), ValueError, "weight must be finite and not negative"),
        (np.ones((2, 2, 1)), ValueError, r"weight must be a map \(h, w\) .* got shape \(2, 2, 1\)"),
        (np.ones(4), ValueError, r"weight must be a map \(h, w\) .* got shape \(4,\)"),
        (np.ones((0, 4)), ValueError, r"weight must be a map .* got shape \(0, 4\)"),
        (5.0, ValueError, r"weight must be a map .* got shape \(\)"),
        (np.ones((2, 2), complex), (ValueError, TypeError), r"weight must be a map"),
        ("important", TypeError, r"weight must be a map \(h, w\) of numbers.* got 'important'"),
        ([[1], [1, 2]], TypeError, "weight must be a map"),
        (np.ones((99, 99), object), TypeError, "weight must be a map"),
    ],
)
def test_what_is_no_weight_is_refused(weight, error, match):
    for image, given in ((picture(), weight), ([picture()], [weight])):
        with pytest.raises(error, match=match) as caught:
            ps.plan(image, 3, weight=given)
        sentence(caught)


@pytest.mark.parametrize("weight", [[None], [None] * 3, np.ones((40, 56)), np.ones((2, 2, 2)), "ab"])
def test_a_list_needs_a_weight_for_each(weight):
    with pytest.raises(
        ValueError, match="weight must be a list with one entry for each of the 2 images, got"
    ) as caught:
        ps.plan([picture()] * 2, 4, weight=weight)
    sentence(caught)


@pytest.mark.parametrize("shape", [(1, 1), (1, 56), SIZE, (3, 5), (97, 131)])
@pytest.mark.parametrize("budget", [2, 20])
def test_a_weight_of_ones_is_no_weight(shape, budget):
    plain = ps.plan(picture(), budget, cell=CELL)
    even = ps.plan(picture(), budget, cell=CELL, weight=np.ones(shape))
    np.testing.assert_array_equal(even.boxes, plain.boxes)
    # no scores: where y then x and x then y lead to the same boxes, rounding decides which split is counted
    assert ps.plan([picture()] * 2, budget + 1, cell=CELL) == ps.plan(
        [picture()] * 2, budget + 1, cell=CELL, weight=None
    )


@pytest.mark.parametrize("shape", [(2, 2), SIZE, (200, 280), (5, 7)])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, np.ndarray.tolist, lambda a: a.astype(">f4")])
def test_a_weight_draws_tokens_to_it(shape, kind):
    image = noise(3, 80, 112)
    weight = np.ones(shape)
    weight[shape[0] // 2 :, shape[1] // 2 :] = 100

    def corner(plan):
        centre = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
        return ((centre[:, 0] > 40) & (centre[:, 1] > 56)).sum()

    plan = ps.plan(image, 20, cell=CELL, weight=kind(weight))
    assert corner(plan) > 1.3 * corner(ps.plan(image, 20, cell=CELL))


@pytest.mark.parametrize("budget", [1, 2, 9, 30])
def test_a_finer_weight_of_the_same_map_gives_the_same_boxes(budget):
    weight = np.random.default_rng(0).random((5, 7))
    plans = [
        ps.plan(noise(1, *SIZE), budget, cell=CELL, weight=weight.repeat(k, 0).repeat(k, 1)) for k in (1, 2, 8, 16)
    ]
    for plan in plans[1:]:
        np.testing.assert_array_equal(plan.boxes, plans[0].boxes)


@pytest.mark.parametrize("level", [0, 5e-324, 1e-300, 1e-30, 1e30, 1e300, 1.7e308])
def test_the_scale_of_a_weight_breaks_nothing(level):
    """A map beyond computing may be refused, in a sentence, but ends in no stray error."""
    try:
        plan = ps.plan(noise(1, *SIZE), 9, cell=CELL, weight=np.full((3, 4), level))
    except ValueError as error:
        if level <= 1e30 or not str(error).startswith(("weight must", "image and weight must")):
            raise
        return
    assert plan.tokens == 9
    if 1e-30 <= level <= 1e30:
        np.testing.assert_array_equal(plan.boxes, ps.plan(noise(1, *SIZE), 9, cell=CELL).boxes)


@pytest.mark.parametrize("scale", [1e-15, 255, 65535, 1e15])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_scale_of_an_image_breaks_nothing(scale, dtype):
    image = noise(1, *SIZE, dtype=dtype)
    np.testing.assert_array_equal(ps.plan(image * scale, 9, cell=CELL).boxes, ps.plan(image, 9, cell=CELL).boxes)


def test_an_image_beyond_computing_is_refused_or_planned():
    """Finite floats are accepted, so they end in a plan or in a sentence, never in a stray error."""
    for image in (noise(1, *SIZE) * 1e30, noise(1, *SIZE, dtype=torch.float64) * 1e200):
        try:
            plan = ps.plan(image, 9, cell=CELL)
        except ValueError as error:
            if not str(error).startswith(("image must", "image and weight must")):
                raise
        else:
            assert plan.tokens == 9


def test_methods_that_ignore_a_weight_refuse_it():
    for method in (ps.methods.Uniform(), ps.methods.Random(), ps.methods.Resize()):
        with pytest.raises(ValueError, match="takes no weight, got one; leave it out or use RateDistortion"):
            ps.plan(picture(), 4, method, weight=np.ones((2, 2)))
