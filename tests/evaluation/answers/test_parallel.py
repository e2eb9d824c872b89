"""Several processes answer as one does."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("transformers")

from pyrascope.evaluation.answers.answering import CHUNK, Run, ask
from pyrascope.evaluation.answers.contenders import contenders
from pyrascope.evaluation.answers.examples import Example
from pyrascope.evaluation.answers.parallel import ask_in_parallel, joined
from pyrascope.models.stock.load import load
from tiny_models import save_tiny


def test_two_processes_give_the_records_of_one(tmp_path):
    folder = save_tiny(tmp_path / "model")
    random = np.random.default_rng(0)
    examples = [
        Example(random.integers(0, 256, (64, 64, 3), np.uint8), "what is here", ("7",), "a", ((0, 0, 16, 16),))
        for _ in range(CHUNK + 2)
    ]
    counts = []
    several = ask_in_parallel(folder, iter(examples), ["resize"], [9], workers=2, max_new_tokens=1, each=counts.append)
    alone = ask(*load(folder), examples, contenders(["resize"]), [9], max_new_tokens=1)
    assert several.asked == alone.asked
    assert sorted(counts) == counts
    assert counts[-1] == len(examples)
    for one, other in zip(
        *(sorted(run.records, key=lambda r: (r.method, r.example)) for run in (several, alone)), strict=True
    ):
        assert one.entropy == pytest.approx(other.entropy, abs=1e-4)
        assert dataclasses.replace(one, entropy=0, seconds=0) == dataclasses.replace(other, entropy=0, seconds=0)


def test_who_was_refused_in_one_part_is_left_out_of_all(tmp_path):
    folder = save_tiny(tmp_path / "model")
    picture = np.zeros((64, 64, 3), np.uint8)
    parts = {}
    for first in (0, 1):
        rows = contenders(["resize"])
        parts[first] = ask(*load(folder), [Example(picture, "what", ("7",))], rows, [9], first=first, max_new_tokens=1)
    parts[1].refused["random", 9] = "no"
    whole = joined(dict(reversed(parts.items())))
    assert [one.example for one in whole.asked] == [0, 1]
    assert {one.method for one in whole.records} == {"full", "blind", "resize"}
    assert whole.refused == {("random", 9): "no"}
    assert joined({}) == Run()
