"""The weights that ship answer as they did when they were stored."""

import json
from importlib.resources import files

import pytest

from pyrascope.models.builtin.exam import examine
from pyrascope.models.builtin.package import load, load_heads
from pyrascope.models.builtin.scenes import sample

pytest.importorskip("transformers")
STORED = json.loads((files("pyrascope.models.builtin") / "weights" / "scores.json").read_text())


@pytest.fixture(scope="module")
def shipped():
    return load()[0], load_heads()


@pytest.mark.parametrize("layout", ["coarse", "look", "oracle", "resize"])
def test_answers_are_the_stored_ones(shipped, layout):
    expected = STORED["first answers"][layout]
    samples = [sample(STORED["seed"], number) for number in range(len(expected))]
    said = examine(*shipped, samples, layout)
    assert sum(a == b for a, b in zip(said, expected, strict=True)) >= len(expected) - 2  # rounding differs by machine


def test_the_weights_are_small_and_nothing_is_pickled():
    folder = files("pyrascope.models.builtin") / "weights"
    kinds = {path.name.rsplit(".", 1)[-1] for path in folder.iterdir()}
    assert kinds <= {"json", "safetensors", "md", "jsonl"}
    assert (folder / "model.safetensors").stat().st_size < 10_000_000
