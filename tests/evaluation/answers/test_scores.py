"""Tables of a comparison on hand-made records, whose numbers are known."""

import dataclasses
import json

import numpy as np
import pytest

from pyrascope.evaluation.answers.answering import Asked, Record, Run
from pyrascope.evaluation.answers.baselines import majority
from pyrascope.evaluation.answers.gating import gated, threshold
from pyrascope.evaluation.answers.report import report
from pyrascope.evaluation.answers.results import lines_of, results
from pyrascope.evaluation.answers.scores import accuracies, bias, by_family, hard, rows_of, suffices
from pyrascope.evaluation.bootstrap import bootstrap
from pyrascope.viz.pareto_figure import pareto_figure
from tolerances import near

B = 9
FULL = "11110111"
SMALL = "10100110"
LOOK = "11100101"
UNSURE = [0.1, 0.9, 0.2, 0.8, 0.3, 0.15, 0.25, 0.7]
FAMILIES = "aaaabbbb"


def row(method, budget, right, tokens=B, entropy=UNSURE, ninths=None):
    return [
        Record(i, FAMILIES[i], method, budget, tokens, "said", mark == "1", entropy[i], 0.5, ninths)
        for i, mark in enumerate(right)
    ]


def asked(places=(0, 0, 1, 1, 2, None, 8, 8)):
    return [Asked(i, FAMILIES[i], "what?", (answer,), places[i]) for i, answer in enumerate("xxyzxxyy")]


@pytest.fixture
def run():
    spread = (0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    records = [
        *row("full", None, FULL, 64),
        *row("resize", B, SMALL, 8, ninths=(1 / 9,) * 9),
        *row("coarse-to-fine", B, LOOK, ninths=spread),
    ]
    return Run(asked(), records, {("fast-v", B): "too deep"}, ["a note"])


def test_accuracies_and_paired_differences(run):
    full, small, look = accuracies(rows_of(run.records))
    assert (full["accuracy"][0], small["accuracy"][0], look["accuracy"][0]) == (7 / 8, 4 / 8, 5 / 8)
    assert (full["tokens"], small["tokens"], full["asked"]) == (64, 8, 8)
    assert full["beside_resize"] is small["beside_resize"] is None
    apart = np.array([int(a) - int(b) for a, b in zip(LOOK, SMALL, strict=True)], float)
    near(look["beside_resize"], bootstrap(apart), "step")
    near(look["accuracy"], bootstrap([int(a) for a in LOOK]), "step")


def test_differences_are_over_examples_that_both_answered(run):
    told = [one for one in row("oracle", B, "11111111") if one.example in (1, 2)]
    last = accuracies(rows_of([*run.records, *told]))[-1]
    assert last["asked"] == 2
    assert last["beside_resize"][0] == 0.5


def test_families(run):
    found = by_family(rows_of(run.records))
    assert list(found) == ["a", "b"]
    assert [one["accuracy"][0] for one in found["a"]] == [1, 0.5, 0.75]
    assert [one["accuracy"][0] for one in found["b"]] == [0.75, 0.5, 0.5]


def test_hard_subset(run):
    found = hard(rows_of(run.records))[B]
    assert (found["examples"], found["of"]) == (3, 8)  # 1, 3 and 7: full right, resize wrong
    assert list(found["recovered"]) == ["coarse-to-fine"]
    near(found["recovered"]["coarse-to-fine"][0], 2 / 3, "step")  # 1 and 7


def test_where_a_coarse_view_suffices(run):
    rows = rows_of([*row("full", None, "11110110", 64), *row("resize", B, "10100110"), *row("look", B, "11110100")])
    found = suffices(rows)[B]
    assert found["families"] == ["b"]
    assert [(one["method"], one["asked"]) for one in found["rows"]] == [("resize", 4), ("look", 4)]
    assert found["rows"][1]["beside_resize"][0] == -0.25


def test_spatial_bias(run):
    full, small, look = bias(rows_of(run.records), run.asked)
    assert full["asked"] == [2, 2, 1, 0, 0, 0, 0, 0, 2]
    assert look["accuracy"] == [1, 0.5, 0, None, None, None, None, None, 0.5]
    assert look["gap"] == 1
    assert full["density"] is None
    near(small["density_gap"], 0, "step")
    near(look["density"][0], 1.8, "step")
    near(look["density_gap"], 0.9, "step")
    half = [*run.records[:-1], dataclasses.replace(run.records[-1], ninths=None)]
    assert bias(rows_of(half), run.asked)[2]["density"] is None, "not that of the examples where it is known"


@pytest.mark.parametrize(
    ("entropy", "small", "look", "wanted"),
    [
        ([0.1, 0.5, 0.9], [1, 1, 0], [0, 1, 1], 0.9),
        ([0.1, 0.5, 0.9], [1, 0, 0], [0, 1, 1], 0.5),
        ([0.1, 0.5, 0.9], [0, 0, 0], [1, 1, 1], 0.1),
        ([0.1, 0.5, 0.9], [1, 1, 1], [1, 1, 1], np.inf),
        ([0.5, 0.5, 0.9], [0, 1, 1], [1, 0, 1], np.inf),  # those equally sure go together
        ([], [], [], np.inf),
    ],
)
def test_thresholds(entropy, small, look, wanted):
    assert threshold(*(np.array(one, float) for one in (entropy, small, look))) == wanted


def test_threshold_against_all_there_are():
    random = np.random.default_rng(0)
    for _ in range(50):
        entropy = random.integers(0, 6, 9) / 4
        small, look = random.integers(0, 2, (2, 9)).astype(float)
        candidates = [np.inf, *sorted(set(entropy), reverse=True)]
        right = [np.where(entropy >= one, look, small).sum() for one in candidates]
        assert threshold(entropy, small, look) == candidates[int(np.argmax(right))]


def test_the_gate_answers_each_half_by_the_threshold_of_the_other(run):
    rows = rows_of(run.records)
    found = gated(rows["resize", B], rows["coarse-to-fine", B])
    # even ranks: 0, 2 (a), 4, 6 (b); there the look loses 6; odd ranks: 1, 3, 5, 7; it wins 1 and 7
    assert found.thresholds == (np.inf, 0.7)
    assert [one.right for one in found.records] == [mark == "1" for mark in SMALL]
    assert found.looked == 0
    turned = gated(rows["coarse-to-fine", B], rows["full", None])
    for one in turned.records:
        first, second = rows["coarse-to-fine", B][one.example], rows["full", None][one.example]
        rank = one.example % 2
        looks = first.entropy >= turned.thresholds[1 - rank]
        assert one.right == (second if looks else first).right
        assert one.tokens == (9 + 64 if looks else 9)
    assert 0 < turned.looked < 1


def test_majority_leaves_the_example_itself_out():
    found = majority(asked())
    assert [one.answer for one in found] == ["x", "x", "x", "x", "y", "y", "x", "x"]
    assert [one.right for one in found] == [True, True, False, False, False, False, False, False]
    assert majority([Asked(0, "a", "q", ("x",), None)])[0].right is False


def test_report_and_picture_hold_what_was_found(run):
    times = [
        {"method": name, "budget": budget, "examples": 2, "first_token": 0.1, "planning": 0.0, "looks": 0.0, "all": 0.2,
         "cpu": cpu, "faster": 0.4 / cpu}
        for name, budget, cpu in (("full", None, 0.4), ("resize", B, 0.05), ("coarse-to-fine", B, 0.1))
    ]  # fmt: skip
    facts = results(run, times, {"title": "8 questions", "model": "m"})
    json.dumps(facts, allow_nan=False)
    assert {(one["method"], one["budget"]) for one in facts["rows"]} == {
        ("full", None), ("resize", B), ("coarse-to-fine", B), ("majority", None), ("gate", B),
    }  # fmt: skip
    assert facts["gate"][str(B)]["thresholds"] == [None, 0.7]
    text = report(facts)
    for part in ("# 8 questions", "a note", "87.5", "3 of 8", "fast-v at 9: too deep", "4.0x", "66.7", "never, 0.700"):
        assert part in text
    assert all(line.count("|") == lines[0].count("|") for lines in _tables(text) for line in lines)
    figure = pareto_figure(facts)
    left, right = figure.axes
    drawn = {line.get_label() for line in left.get_legend_handles_labels()[0]}
    assert drawn == {"full", "resize", "coarse-to-fine", "gate"}
    assert {one.get_label() for one in right.get_legend_handles_labels()[0]} == {"full", "resize", "coarse-to-fine"}
    near(list(right.get_legend_handles_labels()[0][0].lines[0].get_xdata()), [400.0])
    assert len(lines_of(run)) == len(run.records) == 5 * 8


def _tables(text):
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return [block for block in blocks if block[0].startswith("|")]


def test_a_coarse_view_suffices_up_to_two_points_below_the_full_grid():
    records = []
    for number in range(400):
        family, place = "ab"[number % 2], number // 2
        lost = place < {"a": 4, "b": 5}[family]  # 2 points of the 200 of one family, 2.5 of the other
        for name, budget, right in (("full", None, True), ("resize", B, not lost)):
            records.append(Record(number, family, name, budget, B, "said", right, 0.5, 0.5))
    assert suffices(rows_of(records))[B]["families"] == ["a"]


def test_times_are_reported_in_milliseconds(run):
    times = {"first_token": 0.125, "planning": 0.01, "looks": 0.0, "all": 1.5, "cpu": 0.25, "faster": 2.0}
    facts = results(run, [{"method": "resize", "budget": B, "examples": 2, **times}], {"title": "8 questions"})
    assert "| resize | 9 | 125.0 | 10.0 | 0.0 | 1500.0 | 250.0 | 2.0x |" in report(facts).splitlines()
