"""The tables of `pyrascope look` and `pyrascope compare` with a model: each number stands under its own heading."""

import importlib
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("transformers")

from pictures import noise
from pyrascope.models.ask.answer import Answer
from tiny_models import save_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("model"))


def columns(out, first):
    """The words of the one line that begins with `first`, by the words of the heading above."""
    (line,) = [line for line in out.splitlines() if line.split()[:1] == [first]]
    return line.split()


def test_look_prints_each_time_under_its_heading(run, folder, tmp_path, monkeypatch):
    answers = {
        "look": Answer("seven", 7.5, 0.125, 1.001, 0.02, 0.5, 2.25),
        "resize": Answer("ten", 6, 1.5, 3.0, 0.0, 0.0, 4.0),
    }
    monkeypatch.setattr(importlib.import_module("pyrascope.cli.look"), "side_by_side", lambda *a, **b: answers)
    Image.fromarray((noise(40, 90, 3).numpy() * 255).astype(np.uint8)).save(tmp_path / "wide.png")
    words = ["-q", "what is here", "-b", 9, "--model", folder, "--json", tmp_path / "a.json"]
    code, out, _ = run("look", tmp_path / "wide.png", *words)
    assert code == 0
    heading = out.splitlines()[0].split()
    assert heading == ["tokens", "entropy", "first", "token", "planning", "looks", "all", "answer"]
    assert columns(out, "look") == (
        ["look", "7.5", "0.12", "1.001", "s", "0.020", "s", "0.500", "s", "2.250", "s", "seven"]
    )
    assert columns(out, "resize") == ["resize", "6", "1.50", "3.000", "s", "4.000", "s", "ten"]
    facts = json.loads((tmp_path / "a.json").read_text())
    assert facts["seconds"] == {"first_token": 1.001, "planning": 0.02, "looks": 0.5, "all": 2.25}
    assert (facts["tokens"], facts["entropy"], facts["resize"]["answer"], facts["full"]) == (7.5, 0.125, "ten", None)


def test_evaluate_prints_what_it_writes(run, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--budgets", 9, "--timed", 1, "--max-new-tokens", 1, "--families", "color", "--samples", 3]
    code, out, _ = run("evaluate", "--model", folder, *words, "--methods", "uniform", "--json", "f.json")
    assert code == 0

    def printed(interval, sign):
        middle, low, high = (f"{100 * value:{sign}.1f}" for value in interval)
        return [middle, f"({low}..{high})"]

    for row in json.loads((tmp_path / "f.json").read_text())["rows"]:
        budget = [] if row["budget"] is None else [str(row["budget"])]
        apart = [] if row["beside_resize"] is None else printed(row["beside_resize"], "+")
        expected = [row["method"], *budget, f"{row['tokens']:.4g}", *printed(row["accuracy"], ""), *apart]
        assert expected in [line.split() for line in out.splitlines()]
