"""Times of answers by a clock that the test sets: medians, and how many times faster than the full grid."""

from types import SimpleNamespace

import numpy as np
import pytest

from pyrascope.evaluation.answers import timing
from pyrascope.evaluation.answers.contenders import BLIND, FULL_ROW, Contender
from pyrascope.evaluation.answers.examples import Example
from pyrascope.models.ask.answer import Answer

TAKES = {None: (8.0, 0.5, 0.75, 1.0), "half": (8.0, 0.125, 0.375, 0.125)}
"""Process seconds of each answer in turn, the one that does not count first; in binary, so that sums are exact."""


@pytest.fixture
def rows(monkeypatch):
    """Facts of the full grid and of a method, on a machine that takes as long as `TAKES` says."""
    now, turn = [0.0], {None: 0, "half": 0}

    def answer(model, processor, picture, question, *, method, budget, max_new_tokens):
        if method == "refused":
            raise ValueError("method")
        number = turn[method]
        now[0] += TAKES[method][number]
        turn[method] += 1
        return Answer("7", 1, 0, first=1 + number, planning=2 + number, looks=3 + number, all=4 + number)

    monkeypatch.setattr(timing, "answer", answer)
    monkeypatch.setattr(timing, "time", SimpleNamespace(process_time=lambda: now[0]))
    examples = [Example(np.zeros((4, 6, 3), np.uint8), "?", ("7",))] * 3
    ways = [Contender(FULL_ROW), Contender(BLIND), Contender("told", "half", told=True), Contender("half", "half")]
    return timing.times(None, None, examples, [*ways, Contender("refused", "refused")], [12])


def test_who_is_asked(rows):
    assert [(row["method"], row["budget"], row["examples"]) for row in rows] == [(FULL_ROW, None, 3), ("half", 12, 3)]


def test_times_are_medians_without_the_first_answer(rows):
    assert rows[0]["cpu"] == 0.75
    assert rows[1]["cpu"] == 0.125
    for row in rows:
        assert [row[name] for name in ("first_token", "planning", "looks", "all")] == [3, 4, 5, 6]


def test_faster_is_the_time_of_the_full_grid_over_that_of_the_method(rows):
    assert rows[0]["faster"] == 1
    assert rows[1]["faster"] == 4  # of 0.5 / 0.125, 0.75 / 0.375 and 1 / 0.125
