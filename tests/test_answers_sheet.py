"""The sheet of answers: who is on it, and that it is drawn."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("transformers")

from pyrascope.models.ask.answer import Answer
from pyrascope.world.scenes import sample
from tiny_builtin import save_tiny_builtin

SCRIPT = Path(__file__).parent.parent / "examples" / "answers_sheet.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize(
    ("right", "wrong", "expected"), [(50, 50, (10, 10)), (50, 3, (17, 3)), (4, 50, (4, 16)), (3, 2, (3, 2))]
)
def test_half_of_the_answers_are_wrong_ones_where_there_are_so_many(script, right, wrong, expected):
    one = sample(1, 0)
    texts = [one.answer] * right + ["?"] * wrong
    answers = [script["Shown"](i, one, Answer(text, 96, 0.0, 0.0, 0.0, 0.0, 0.0)) for i, text in enumerate(texts)]
    found = script["picked"](answers, 20)
    assert (sum(one.right for one in found), sum(not one.right for one in found)) == expected


def test_it_is_drawn(tmp_path, monkeypatch, capsys):
    folder = save_tiny_builtin(tmp_path / "model")
    out = tmp_path / "docs" / "sheet.jpg"
    words = ["--samples", 3, "--count", 2, "--weights", folder, "--out", out, "--budget", 40]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "of 3 right (seed 2027, 40 tokens)" in capsys.readouterr().out
    with Image.open(out) as drawn:
        assert np.asarray(drawn.convert("L")).std() > 10


def test_the_outline_is_the_border_of_the_fine_cells(script):
    from matplotlib.figure import Figure

    from pyrascope.allocation.plan import Plan

    boxes = [[0, 0, 64, 64], [0, 64, 64, 128], [16, 16, 32, 32], [16, 32, 32, 48]]
    levels = [[2, 2], [2, 2], [0, 0], [0, 0]]
    array = np.array(boxes, np.float64)
    plan = Plan(array, np.array(levels, np.float32), np.zeros(4), (64, 128), 16, "by hand")
    axes = Figure().subplots()
    script["outline"](axes, plan)
    drawn = {(*line.get_xdata(), *line.get_ydata()) for line in axes.lines}
    assert drawn == {
        (16, 32, 16, 16), (32, 48, 16, 16), (16, 32, 32, 32), (32, 48, 32, 32), (16, 16, 16, 32), (48, 48, 16, 32),
    }  # fmt: skip
