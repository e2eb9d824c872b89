"""Zoom: the finest cells of the greatest weight, as many as the budget has."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.methods import CoarseToFine, Zoom
from tolerances import near


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_cells_are_those_of_the_greatest_weight(h, w, data):
    rows, columns = -(-h // 8), -(-w // 8)
    budget = data.draw(st.integers(1, rows * columns))
    weight = noise(rows, columns, seed=data.draw(st.integers(0, 9)), dtype=torch.float64)
    padded = torch.zeros(3, rows * 8, columns * 8)  # so that each sample of the weight is a cell
    plan = ps.plan(padded, budget, Zoom(), 8, weight=weight)
    cells = (plan.boxes[:, :2] // 8).astype(int)
    assert plan.tokens == budget
    near(sorted(weight.numpy()[tuple(cells.T)]), np.sort(weight.numpy().ravel())[-budget:], "step")
    near(plan.scores, weight.numpy()[tuple(cells.T)])
    assert not plan.levels.any()


def test_a_single_peak_gives_one_round_patch_about_it():
    weight = torch.zeros(6, 9)
    weight[4, 2] = 1
    plan = ps.plan(torch.zeros(1, 384, 576), 52, Zoom(), 16, weight=weight)
    centres = plan.boxes.reshape(-1, 2, 2).mean(1)
    np.testing.assert_allclose(centres.mean(0), [4.5 * 64, 2.5 * 64], atol=8)
    assert np.abs(centres - [4.5 * 64, 2.5 * 64]).max() <= 80


def test_a_peak_at_the_border_gives_a_patch_about_its_middle():
    weight = torch.zeros(3, 3)
    weight[2, 0] = 1
    plan = ps.plan(torch.zeros(1, 768, 768), 25, Zoom(), 16, weight=weight)
    centres = plan.boxes.reshape(-1, 2, 2).mean(1)
    np.testing.assert_allclose(centres.mean(0), [640, 128], atol=16)
    assert np.abs(centres - [640, 128]).max() <= 56


def test_without_a_weight_it_is_the_middle():
    plan = ps.plan(torch.zeros(1, 80, 80), 9, Zoom(), 16)
    np.testing.assert_array_equal(plan.boxes[[0, -1]], [[16, 16, 32, 32], [48, 48, 64, 64]])


def test_images_share_by_weight_and_each_gets_a_token():
    images = [torch.zeros(1, 64, 64)] * 3
    weights = [torch.full((4, 4), 0.1), torch.full((4, 4), 2.0), torch.full((4, 4), 1.0)]
    for budget, expected in ((3, [1, 1, 1]), (18, [1, 16, 1]), (20, [1, 16, 3]), (48, [16, 16, 16])):
        plans = ps.plan(images, budget, Zoom(), weight=weights)
        assert [plan.tokens for plan in plans] == expected


@pytest.mark.parametrize("share", [25, 50])
def test_over_a_coarse_view_there_are_two_scales(share):
    image = noise(3, 256, 256)

    def detector(view):
        heat = torch.zeros(4, 4)
        heat[1, 3] = 1
        return heat

    plan = ps.plan(image, 64, CoarseToFine(Zoom(), share=share, detector=detector))
    assert plan.tokens == 64
    assert plan.coverage == 1
    assert len(plan.by_level()) == 2
    fine = plan.boxes[plan.levels[:, 0] == 0]
    assert (np.abs(fine.reshape(-1, 2, 2).mean(1) - [96, 224]).max(1) <= 64).all()


def nearest_cells(size, point, count, cell=8):
    """The cells whose centres are nearest to a point (y, x), as a set of corners (y, x)."""
    corners = [(y, x) for y in range(0, size[0], cell) for x in range(0, size[1], cell)]
    return set(
        sorted(corners, key=lambda c: sum((a + cell / 2 - b) ** 2 for a, b in zip(c, point, strict=True)))[:count]
    )


def corners(plan):
    return {tuple(corner) for corner in plan.boxes[:, :2].tolist()}


def test_the_middle_of_a_wide_image_is_its_middle():
    plan = ps.plan(torch.zeros(1, 64, 192), 4, Zoom(), 8)
    assert corners(plan) == {(24, 88), (24, 96), (32, 88), (32, 96)}


def test_equals_come_by_their_distance_from_the_peak_of_a_wide_image():
    weight = torch.zeros(4, 12)  # samples of 16 px; flat between the centres of the outer ones
    weight[1:4, 6:11] = 1
    plan = ps.plan(torch.zeros(1, 64, 192), 12, Zoom(), 8, weight=weight)
    assert corners(plan) == nearest_cells((64, 192), (40, 136), 12)
    np.testing.assert_array_equal(plan.scores, 1)
