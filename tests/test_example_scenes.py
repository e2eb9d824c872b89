"""The scenes that are shipped are those of their seed, one a family, and the world says the same about them today."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pyrascope.world.questions import FAMILIES

ROOT = Path(__file__).parent.parent / "examples"
LINES = [json.loads(line) for line in (ROOT / "scenes" / "questions.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "scenes.py"))


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["family"])
def test_made_again_a_scene_asks_and_shows_the_same(script, line):
    assert script["line"](line["image"], line["number"]) == line
    with Image.open(ROOT / "scenes" / line["image"]) as opened:
        shipped = np.asarray(opened).astype(float)
    again = script["sample"](script["SEED"], line["number"]).image
    assert shipped.shape == again.shape == (512, 512, 3)
    assert abs(shipped - again).mean() < 0.5, "rounding aside"


def test_there_is_one_of_each_family_in_small_files():
    assert [line["family"] for line in LINES] == list(FAMILIES)
    files = sorted(path for path in (ROOT / "scenes").iterdir() if path.suffix == ".png")
    assert [path.name for path in files] == [line["image"] for line in LINES]
    assert sum(path.stat().st_size for path in files) < 3_000_000
