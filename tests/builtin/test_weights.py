"""The weights that ship answer as they did when they were stored."""

import json

import pytest

pytest.importorskip("transformers")

from pyrascope.builtin.folder import BUILTIN
from pyrascope.builtin.look import trained_look
from pyrascope.evaluation.answers.answering import ask
from pyrascope.evaluation.answers.contenders import contenders
from pyrascope.evaluation.answers.examples import scenes
from pyrascope.models.stock.load import load

pytestmark = pytest.mark.skipif(
    not (BUILTIN / "model.safetensors").is_file(),
    reason="no weights here: git checkout src/pyrascope/builtin/weights",
)
SEED, BUDGET = 2026, 96
METHODS = ("oracle", "resize", "coarse-to-fine")


def test_answers_are_the_stored_ones():
    """`pyrascope compare --samples 3 --seed 2026 --budgets 96`: all but what has no budget, for time's sake."""
    lines = map(json.loads, (BUILTIN / "answers.jsonl").read_text(encoding="utf-8").splitlines())
    stored = {(one["method"], one["example"]): one for one in lines}
    rows = [row for row in contenders(["coarse-to-fine"], trained_look(BUILTIN)) if row.name in METHODS]
    run = ask(*load(BUILTIN), scenes(SEED, 3), rows, [BUDGET])
    for method in METHODS:
        mine = [one for one in run.records if one.method == method]
        expected = [stored[method, one.example] for one in mine]
        assert len(mine) == 39
        # another processor rounds otherwise
        assert sum(a.answer == b["answer"] for a, b in zip(mine, expected, strict=True)) >= 37
        assert sum(one.right for one in mine) == pytest.approx(sum(one["right"] for one in expected), abs=2)
        assert {one.tokens for one in mine} == {one["tokens"] for one in expected}


def test_the_weights_are_small_and_nothing_is_pickled():
    kinds = {path.suffix for path in BUILTIN.iterdir()}
    assert kinds <= {".json", ".safetensors", ".md", ".jsonl"}
    assert (BUILTIN / "model.safetensors").stat().st_size < 10_000_000
