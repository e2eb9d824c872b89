"""`pyrascope compare`: what it says, draws and refuses."""

import json

import numpy as np
import pytest

import pyrascope as ps
from pyrascope.methods.named import METHODS
from written import names, opened


def test_compare_says_what_each_method_keeps(run, photo, tmp_path):
    table, sheet = tmp_path / "table.json", tmp_path / "sheet.png"
    words = ["--method", "uniform", "--method", "Random(seed=3)", "--json", table, "--out", sheet]
    code, out, _ = run("compare", photo, "-b", 7, *words)
    assert code == 0
    rows = json.loads(table.read_text())
    assert [row["name"] for row in rows] == ["resize", "uniform", "Random(seed=3)"]
    image = ps.io.as_tensor(photo)[0]
    for row in rows:
        plan = ps.plan(photo, 7, ps.methods.method_from(row["method"]))
        shown = ps.render(plan, ps.gather(image, plan))
        assert row["tokens"] == plan.tokens
        assert row["psnr"] == pytest.approx(
            -10 * np.log10(float((shown.clamp(0, 1) - image).square().mean())), abs=1e-3
        )
        assert f"{row['psnr']:.1f} dB" in out
        assert 0 < row["ssim"] < 1
        assert row["milliseconds"] > 0
    assert opened(sheet)[0] == "PNG"


def test_compare_shows_every_method(run, photo):
    code, out, _ = run("compare", photo, "-b", 6)
    assert code == 0
    assert all(name in out for name in METHODS)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--budget", "0"], "budget must be a whole number from 1 to 24"),
        (["--budget", "auto"], "--budget"),
        (["--method", "unifrom"], "did you mean uniform?"),
        (["--out", "sheet.xyz"], "picture must be written"),
        (["--json", "a.png", "--out", "a.png"], "must be two files"),
        (["--fixation", "999,1", "--json", "a.json"], "fixation must lie in the image"),
    ],
)
def test_bad_options_of_compare(run, photo, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("compare", "photo.png", *words)
    assert code == 2
    assert match in err
    assert names(tmp_path) == ["photo.png"]


def test_options_of_evaluate_are_named_where_they_belong(run, photo):
    code, _, err = run("compare", photo, "--samples", 3)
    assert code == 2
    assert "compare IMAGE has no --samples, got it; leave --samples out, or use pyrascope evaluate" in err
    code, _, err = run("compare", "--budget", 3)
    assert code == 2
    assert "--budget of compare needs an image, got none" in err
