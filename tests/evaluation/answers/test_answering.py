"""Answers in batches are those that each example gets alone, whatever the method; who cannot take part says why."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("transformers")

from pyrascope.builtin.look import two_looks
from pyrascope.evaluation.answers.answering import ask
from pyrascope.evaluation.answers.contenders import BLIND, FULL_ROW, ORACLE, contenders, every_name, named
from pyrascope.evaluation.answers.evidence import heat, ninths
from pyrascope.evaluation.answers.examples import Example
from pyrascope.evaluation.answers.timing import times
from pyrascope.models import prepare
from pyrascope.models.ask.answer import answer, entropy_of
from pyrascope.models.prompts.chat import prompt_of
from pyrascope.models.stock.load import load
from tiny_models import TEMPLATE, save_tiny
from tolerances import near

B = 9


@pytest.fixture(scope="module", params=[None, TEMPLATE], ids=["plain", "chat"])
def loaded(request, tmp_path_factory):
    return load(save_tiny(tmp_path_factory.mktemp("model"), request.param))


@pytest.fixture(scope="module")
def examples():
    random = np.random.default_rng(0)
    questions = ["what is here", "what is", "to be seen here", "is what here to be seen", "what"]
    boxes = [((0, 0, 16, 16),), None, ((40, 40, 60, 62), (0, 0, 8, 8)), ((10, 50, 30, 60),), None]
    return [
        Example(random.integers(0, 256, (64, 64, 3), np.uint8), question, ("7",), "ab"[i % 2], box)
        for i, (question, box) in enumerate(zip(questions, boxes, strict=True))
    ]


@pytest.fixture(scope="module")
def run(loaded, examples):
    names = ["coarse-to-fine", "div-prune", "PyramidDrop(after=(1,))", "features:resize"]
    return ask(*loaded, examples, contenders(names), [B, 24], max_new_tokens=2)


def test_every_contender_answers_every_example_once(run):
    seen = {}
    for one in run.records:
        seen.setdefault((one.method, one.budget), []).append(one.example)
    assert {row: sorted(numbers) for row, numbers in seen.items()} == {
        row: [0, 2, 3] if row[0] == ORACLE else list(range(5)) for row in seen
    }
    assert {FULL_ROW, BLIND, ORACLE, "resize", "random", "coarse-to-fine", "div-prune", "features:resize"} <= {
        one.method for one in run.records
    }
    assert [one.example for one in run.asked] == list(range(5))
    assert [one.place for one in run.asked] == [0, None, None, 2, None]


def test_records_are_what_each_example_gets_alone(run, loaded, examples):
    methods = {one.name: one for one in contenders(["coarse-to-fine", "div-prune", "PyramidDrop(after=(1,))"])}
    checked = 0
    for one in run.records:
        if one.method not in methods or one.method in (BLIND, ORACLE, "random"):
            continue
        example = examples[one.example]
        alone = answer(
            *loaded,
            example.picture(),
            example.question,
            method=methods[one.method].method,
            budget=one.budget,
            max_new_tokens=2,
        )
        assert (one.answer, one.tokens) == (alone.text, alone.tokens), one
        assert one.entropy == pytest.approx(alone.entropy, abs=1e-4)
        assert one.right == (alone.text == "7")
        if one.ninths is not None:
            near(one.ninths, ninths(alone.plan), "step")
        checked += 1
    assert checked >= 5 * 4


def test_the_oracle_is_two_looks_told_where(run, loaded, examples):
    model, processor = loaded
    for number in (0, 2, 3):
        example = examples[number]
        inputs, plans = prepare(
            model, processor, [example.picture()], [prompt_of(processor, example.question)],
            method=two_looks(lambda view: torch.ones(1, 1)), budget=24, weights=[heat(example.evidence, (64, 64))],
        )  # fmt: skip
        (found,) = [one for one in run.records if (one.method, one.budget, one.example) == (ORACLE, 24, number)]
        logits = model.generate(**inputs, max_new_tokens=1, output_logits=True, return_dict_in_generate=True).logits
        assert found.entropy == pytest.approx(float(entropy_of(logits[0])[0]), abs=1e-4)
        near(found.ninths, ninths(plans[0]), "step")
        fine = plans[0].boxes[(plans[0].levels == 0).all(1)]
        y0, x0, y1, x1 = example.evidence[-1]
        hit = (fine[:, 0] < y1) & (fine[:, 2] > y0) & (fine[:, 1] < x1) & (fine[:, 3] > x0)
        assert hit.any()


def test_blind_sees_no_picture(run, loaded, examples):
    model, processor = loaded
    found = [one for one in run.records if one.method == BLIND]
    assert {one.tokens for one in found} == {0.0}
    assert run.notes == []
    for one in found:
        text = prompt_of(processor, examples[one.example].question, images=0)
        inputs = processor(text=text, return_tensors="pt")
        logits = model.generate(**inputs, max_new_tokens=1, output_logits=True, return_dict_in_generate=True).logits
        assert one.entropy == pytest.approx(float(entropy_of(logits[0])[0]), abs=1e-4)


def test_a_processor_that_needs_a_picture_gets_a_gray_one(loaded, examples, monkeypatch):
    model, processor = loaded
    stock = type(processor).__call__

    def strict(self, images=None, **rest):
        if images is None:
            raise ValueError("a picture is needed")
        return stock(self, images=images, **rest)

    monkeypatch.setattr(type(processor), "__call__", strict)
    found = ask(
        model, processor, examples[:2], [one for one in contenders([]) if one.name == BLIND], [], max_new_tokens=1
    )
    assert [one.tokens for one in found.records] == [1, 1]
    assert len(found.notes) == 1
    assert "gray" in found.notes[0]


def test_who_cannot_take_part_says_why(loaded, examples):
    found = ask(*loaded, examples, contenders(["fast-v", "hired"]), [B, 65], max_new_tokens=1)
    reasons = found.refused
    assert "budget must be a whole number from 1 to 64, got 65" in reasons["resize", 65]
    assert ("fast-v", B) in reasons
    assert all("\n" not in reason for reason in reasons.values())
    assert not [one for one in found.records if (one.method, one.budget) in reasons]
    assert ("resize", B) not in reasons


def test_chance_is_another_one_in_each_batch():
    one = next(row for row in contenders([]) if row.name == "random")
    assert [one.method_from(number).seed for number in (0, 32)] == [0, 32]
    fixed = contenders(["Random(seed=3)"])[-1]
    assert fixed.method_from(32).seed == 3


def test_names():
    assert [one.name for one in contenders(["resize", "tome", "tome", "oracle"])] == [
        "full", "blind", "oracle", "resize", "random", "tome",
    ]  # fmt: skip
    rows = contenders(["all"])
    assert len({one.name for one in rows}) == len(rows) == len(every_name()) + 3
    assert {"features:resize", "layers:random", "never-worse", "cd-pruner", "fast-v"} <= {one.name for one in rows}
    look = object()
    rows = contenders(
        ["coarse-to-fine", "CoarseToFine(share=30)"], dataclasses.replace(two_looks(), detector=look).detector
    )
    assert [one.method.detector for one in rows[-2:]] == [look, look]
    with pytest.raises(ValueError, match="did you mean"):
        contenders(["unifrom"])
    assert named("a,F(b=(1,2), c=3) ,") == ["a", "F(b=(1,2), c=3)"]


def test_times_are_of_each_way_to_ask(loaded, examples):
    rows = contenders(["coarse-to-fine", "fast-v"])
    ticks = []
    found = times(*loaded, examples[:2], rows, [B], max_new_tokens=1, each=lambda: ticks.append(1))
    assert [(one["method"], one["budget"]) for one in found] == [
        ("full", None), ("resize", B), ("random", B), ("coarse-to-fine", B),
    ]  # fmt: skip
    for one in found:
        assert one["examples"] == 2
        assert 0 < one["first_token"] <= one["all"]
        assert one["cpu"] > 0
    assert found[0]["faster"] == 1
    assert found[-1]["looks"] > 0


def test_pictures_of_files_are_opened(loaded, tmp_path):
    Image.radial_gradient("L").resize((90, 70)).convert("RGB").save(tmp_path / "a.png")
    one = Example(tmp_path / "a.png", "what is here", ("7",), evidence=((0, 0, 20, 20),))
    found = ask(*loaded, [one], contenders([]), [B], max_new_tokens=1)
    assert found.asked[0].place == 0
    assert {record.method for record in found.records} == {FULL_ROW, BLIND, ORACLE, "resize", "random"}
