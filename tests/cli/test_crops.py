"""`pyrascope crops`: the files of a plan's export."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def planned(tmp_path, run):
    picture, plan = tmp_path / "photo.png", tmp_path / "plan.json"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)).save(picture)
    assert run("plan", picture, "--budget", 12, "--json", plan)[0] == 0
    return picture, plan


def test_images_have_the_tokens_of_the_plan(planned, tmp_path, run):
    folder = tmp_path / "made" / "here"
    code, out, err = run("crops", *planned, "--patch", 8, "--min-pixels", 128, "--out", folder)
    assert (code, err) == (0, "")
    listed = json.loads((folder / "crops.json").read_text())
    assert {path.name for path in folder.iterdir()} == {"crops.json", *(one["file"] for one in listed)}
    counts = []
    for one in listed:
        with Image.open(folder / one["file"]) as image:
            assert [image.height, image.width] == one["size"]
            counts.append(image.height // 8 * (image.width // 8))
    assert counts == [one["tokens"] for one in listed]
    assert sum(counts) == 12
    assert listed[0]["box"] == [0, 0, 64, 96]
    assert out.splitlines()[-1] == f"12 tokens in all, written to {folder}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tokens-per-crop", 5, "--size", 8], "multiple of 5 tokens"),
        (["--size", 8], "either patch, or tokens_per_crop and size"),
        (["--min-pixels", 16 * 16 * 13], "plan with a budget such as"),
    ],
)
def test_what_cannot_be_leaves_no_file(options, words, planned, tmp_path, run):
    code, out, err = run("crops", *planned, *options, "--out", tmp_path / "made")
    assert (code, out) == (2, "")
    assert words in err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("side", [40, 400])
def test_another_picture_is_refused(side, planned, tmp_path, run):
    other = tmp_path / "other.png"
    Image.new("RGB", (side, side)).save(other)
    code, _, err = run("crops", other, planned[1], "--out", tmp_path / "made")
    assert code == 2
    assert f"IMAGE must be 64x96 px as its plan, got {side}x{side}" in err
    assert not (tmp_path / "made").exists()
