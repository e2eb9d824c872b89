"""`pyrascope pyramid`: what it draws and refuses."""

import numpy as np
import pytest
from PIL import Image

from pictures import noise
from written import names, opened


@pytest.mark.parametrize("kind", ["gaussian", "laplacian", "mipmap", "steerable"])
@pytest.mark.parametrize("levels", [None, 1, 5])
def test_pyramid_draws(run, photo, tmp_path, kind, levels):
    target = tmp_path / "pyramid.png"
    words = [] if levels is None else ["--levels", levels]
    code, out, _ = run("pyramid", photo, "--kind", kind, "--out", target, *words)
    assert code == 0
    if kind == "steerable":
        assert out == f"{levels or 3} levels of 4 orientations\npicture written to {target}\n"
    else:
        most = 3 if kind == "mipmap" else 4  # 61 px are halved to 30 and 15 there, to 31, 16 and 8 elsewhere
        assert out == f"{levels or most} levels\npicture written to {target}\n"
    image, size, grey = opened(target)
    assert image == "PNG"
    assert size[0] > 1000
    assert grey.std() > 10
    assert names(tmp_path) == ["photo.png", "pyramid.png"]


@pytest.mark.parametrize("words", [["--orientations", "3"], ["--orientations", "1", "--levels", "0"]], ids=" ".join)
def test_steerable_pyramids_have_the_orientations_asked_for(run, photo, tmp_path, words):
    code, out, _ = run("pyramid", photo, "--kind", "steerable", "--out", tmp_path / "drawn.png", *words)
    assert code == 0
    assert out.startswith(f"{0 if '--levels' in words else 3} levels of {words[1]} orientations")


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (5, 3), (37, 53)])
@pytest.mark.parametrize("kind", ["mipmap", "steerable"])
def test_pyramids_of_small_and_grey_pictures_are_drawn(run, tmp_path, kind, size):
    Image.fromarray((noise(*size).numpy() * 255).astype(np.uint8)).save(tmp_path / "small.png")
    code, out, _ = run("pyramid", tmp_path / "small.png", "--kind", kind, "--out", tmp_path / "drawn.png")
    assert code == 0
    expected = {(1, 1): "0 levels", (37, 53): "2 levels"}.get(size, "1 levels")
    assert out.startswith(expected if kind == "steerable" else {(37, 53): "3 levels"}.get(size, "1 levels"))
    assert opened(tmp_path / "drawn.png")[2].std() > 5


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "--out"),
        (["--out", "drawn.xyz"], "picture must be written to a file that ends in one of .png"),
        (["--out", "photo.png/drawn.png"], "output must be"),
        (["--out", "drawn.png", "--kind", "steep"], "'gaussian', 'laplacian', 'steerable', 'mipmap'"),
        (["--out", "drawn.png", "--kind", "mipmap", "--levels", "0"], "levels must be a whole number >= 1, got 0"),
        (
            ["--out", "drawn.png", "--kind", "steerable", "--levels", "9"],
            "levels must be a whole number from 0 to 6, got 9; an image of 61x93 allows 6 oriented levels",
        ),
        (["--out", "drawn.png", "--kind", "steerable", "--levels", "-1"], "levels must be a whole number from 0 to 6"),
        (
            ["--out", "drawn.png", "--kind", "steerable", "--orientations", "0"],
            "must be a whole number from 1 to 24, got 0",
        ),
        (
            ["--out", "drawn.png", "--kind", "steerable", "--orientations", "99"],
            "must be a whole number from 1 to 24, got 99",
        ),
        (["--out", "drawn.png", "--orientations", "4"], "--orientations must be left out for --kind gaussian, got 4"),
        (["--out", "drawn.png", "--levels", "0"], "levels must be a whole number >= 1, got 0"),
        (["--out", "drawn.png", "--levels", "-2"], "levels must be a whole number >= 1, got -2"),
        (["--out", "drawn.png", "--levels", "many"], "--levels"),
        (["--out", "new/drawn.png", "--levels", "0"], "levels must be"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_bad_options_of_pyramid(run, photo, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("pyramid", "photo.png", *words)
    assert code == 2
    assert match in err
    assert names(tmp_path) == ["photo.png"]
