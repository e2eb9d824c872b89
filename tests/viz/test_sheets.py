"""Sheets of methods and of importance maps: every panel is drawn, in proportion, with its own label."""

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection

import pyrascope as ps
from pictures import noise
from pyrascope.methods.named import METHODS


def texts(figure):
    figure.draw_without_rendering()
    return [text for axis in figure.axes for text in axis.texts]


@pytest.mark.parametrize("size", [(64, 96), (96, 16), (16, 200), (1, 1), (3, 50)])
def test_every_method_has_a_panel_of_its_boxes(size):
    image = noise(3, *size)
    plans = {name: ps.plan(image, 1, kind()) for name, kind in METHODS.items() if name != "coarse-to-fine"}
    figure = ps.viz.methods_figure(image, plans)
    assert len(figure.axes) == len(plans)
    for axis, (name, plan) in zip(figure.axes, plans.items(), strict=True):
        (boxes,) = [part for part in axis.collections if isinstance(part, PolyCollection)]
        assert len(boxes.get_paths()) == plan.tokens
        assert axis.texts[0].get_text() in (name, name[: len(axis.texts[0].get_text()) - 3] + "...")
        assert axis.texts[1].get_text().startswith("1 token, ")


@pytest.mark.parametrize("size", [(64, 96), (200, 16), (16, 200), (8, 8)])
def test_labels_do_not_overlap(size):
    image = noise(3, *size)
    figure = ps.viz.methods_figure(image, {f"method-{n}" * 4: ps.plan(image, 1) for n in range(5)})
    boxes = [text.get_window_extent() for text in texts(figure)]
    for number, first in enumerate(boxes):
        assert not any(first.overlaps(second) for second in boxes[number + 1 :])


def test_default_plans_are_those_of_all_methods():
    figure = ps.viz.methods_figure(noise(3, 64, 96), budget=9)
    assert {axis.texts[0].get_text() for axis in figure.axes} >= set(METHODS) - {"coarse-to-fine"}


def test_parts_that_are_not_shown_are_named():
    plan = ps.Plan([[0, 0, 16, 16]], [[0, 0]], [0], (32, 32), 16, "by hand")
    figure = ps.viz.methods_figure(noise(1, 32, 32), {"a": plan})
    assert "covers 25 %" in figure.axes[0].texts[1].get_text()


def test_heat_is_bright_where_much_matters():
    values = np.full((2, 3), 0.5)
    values[1, 2] = 3.5
    figure = ps.viz.importance_figure(torch.full((1, 30, 40), 0.5), {"a": values})
    drawn = figure.axes[1].images[0].get_array()
    assert drawn.shape == (30, 40, 3)
    assert drawn[16:, 32:].mean() > drawn[:16].mean() + 0.2
    assert "up to 3.5" in figure.axes[1].texts[1].get_text()


@pytest.mark.parametrize("maps", [{}, None, {"a": np.ones((2, 2))}, {"a": np.ones(6)}])
def test_other_maps_are_refused(maps):
    with pytest.raises(ValueError, match=r"maps must be|one value a cell"):
        ps.viz.importance_figure(torch.ones(1, 32, 48), maps)


@pytest.mark.parametrize("plans", [{}, [1]])
def test_no_plans_are_refused(plans):
    with pytest.raises(ValueError, match="plans must be a dict"):
        ps.viz.methods_figure(torch.ones(1, 32, 48), plans)
