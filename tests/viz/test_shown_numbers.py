"""What sheets and figures say and show, on hand-made input: each number, and the colour of each value."""

import matplotlib
import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise
from pyrascope.models.ask.answer import Answer
from pyrascope.viz.look_figure import look_figure
from pyrascope.viz.pareto_figure import pareto_figure
from tolerances import near


def said(axis):
    return [text.get_text() for text in axis.texts]


def test_heat_spans_two_octaves_about_the_mean():
    values = np.array([[0.25, 0.5, 1.0], [2.0, 4.0, 16.0]])
    figure = ps.viz.importance_figure(torch.zeros(1, 30, 40), {"a": values})  # black: what is seen is heat alone
    drawn = figure.axes[1].images[0].get_array()
    heat = 0.45 * matplotlib.colormaps["inferno"]([[0.0, 0.25, 0.5], [0.75, 1.0, 1.0]])[..., :3]
    near(drawn[4::16, 4::16], heat, dtype=torch.float32)
    near(drawn[29, 39], heat[1, 2], dtype=torch.float32)
    assert said(figure.axes[0]) == ["the image", "30x40 px"]
    assert said(figure.axes[1]) == ["a", "up to 16"]


def test_a_sheet_of_methods_says_tokens_decibels_and_cover():
    image = noise(3, 40, 90)
    plans = {"a": ps.plan(image, 5), "b": ps.Plan([[0, 0, 16, 90]], [[0, 3]], [0], (40, 90), 16, "by hand")}
    figure = ps.viz.methods_figure(image, plans)
    for axis, (name, plan) in zip(figure.axes, plans.items(), strict=True):
        shown = ps.render(plan, ps.gather(image, plan)).clamp(0, 1)
        decibels = f"{float(-10 * (shown - image).square().mean().log10()):.1f} dB"
        first = "5 tokens" if name == "a" else "1 token"
        assert said(axis)[1] == ", ".join([first, decibels] + ["covers 40 %"] * (name == "b"))
        assert (axis.get_xlim(), axis.get_ylim()) == ((0, 90), (40, 0))
    assert figure.texts[0].get_text() == "40x90 px, cell 16"


@pytest.fixture(scope="module")
def pareto():
    def row(method, budget, tokens, accuracy):
        return {"method": method, "budget": budget, "tokens": tokens, "accuracy": accuracy}

    rows = [
        row("resize", 9, 8.0, (0.5, 0.4, 0.55)),
        row("resize", 20, 20.0, (0.6, 0.5, 0.7)),
        row("blind", None, 0.0, (0.25, 0.2, 0.3)),
    ]
    times = [{"method": "resize", "budget": 9, "cpu": 0.125}, {"method": "resize", "budget": 20, "cpu": 0.25}]
    return pareto_figure({"rows": rows, "times": times, "about": {"title": "a title"}})


def test_accuracy_is_drawn_over_tokens_and_milliseconds(pareto):
    left, right = pareto.axes
    assert pareto.get_suptitle() == "a title"
    (tokens,), (times,) = ([part[0] for part in axis.containers] for axis in (left, right))
    np.testing.assert_allclose(np.asarray(tokens.get_xdata(), float), [8, 20], rtol=0.02)
    assert list(times.get_xdata()) == [125, 250]
    for line in (tokens, times):
        assert list(line.get_ydata()) == [50, 60]
    assert [text.get_text() for text in right.get_xticklabels()] == ["125", "250"]


def test_intervals_are_drawn_and_what_needs_no_tokens_is_a_line(pareto):
    for axis in pareto.axes:
        (bars,) = axis.containers[0][2]
        ends = [sorted(segment[:, 1].tolist()) for segment in bars.get_segments()]
        np.testing.assert_allclose(ends, [[40, 55], [50, 70]])
        assert said(axis) == ["blind, 25 %"]
        level = next(line for line in axis.lines if line.get_linestyle() == ":")
        np.testing.assert_allclose(level.get_ydata(), 25)


def test_a_look_says_what_was_answered_for_how_many_tokens():
    image = noise(3, 40, 90)
    plan = ps.plan(image, 7, cell=8)
    found = {
        "look": Answer("seven", 7, 0.125, 1, 2, 3, 4, "a method", plan),
        "full": Answer("ten", 60.5, 1.5, 5, 6, 7, 8),
    }
    lines = look_figure(image, "how many?", found).get_suptitle().split("\n")
    assert lines == [
        "how many?",
        "look (7 tokens, a method): 'seven', entropy 0.12",
        "full (60.5 tokens): 'ten', entropy 1.50",
    ]
    unknown = look_figure(image, "how many?", {"look": Answer("seven", 7, 0.125, 1, 2, 3, 4)})
    assert said(unknown.axes[0]) == ["the image", "what the tokens show is not known"]


def test_bands_are_scaled_by_almost_their_largest_value():
    band = torch.linspace(0, 1, 1001).reshape(1, 7, 143)
    figure = ps.viz.pyramid_figure([band * 2, band[:, :4, :72]], bands=True)
    assert said(figure.axes[0]) == ["0  7x143  ±2", "low-pass  4x72"]
    drawn = figure.axes[0].images[0].get_array()[..., 0]
    near(drawn[0, :3], 0.5 + np.arange(3) * 0.001 / (2 * 0.995), dtype=torch.float32)
