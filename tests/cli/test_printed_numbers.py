"""Every number that a command prints, on pictures that are not square and do not divide into cells."""

import importlib
import json
import math
import re

import numpy as np
import pytest
from PIL import Image

import pyrascope as ps
from pictures import noise
from tolerances import near

SIZE = (40, 90)  # 3 x 6 cells of 16 px, the last ones cut


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray((noise(*SIZE, 3).numpy() * 255).astype(np.uint8)).save(path)
    return path


def lines(out, start):
    """The words of each line that begins so."""
    return [line.split() for line in out.splitlines() if line.strip().startswith(start)]


def quality(plan, picture):
    image = ps.io.as_tensor(picture)[0]
    shown = ps.render(plan, ps.gather(image, plan))
    return -10 * math.log10(float((shown.clamp(0, 1) - image).double().square().mean()))


def test_plan_prints_tokens_and_areas_by_resolution(run, picture, monkeypatch):
    boxes = [[0, 0, 32, 16], [0, 16, 16, 48], [16, 16, 32, 48], [0, 48, 40, 90]]
    plan = ps.Plan(boxes, [[1, 0], [0, 1], [0, 1], [2, 2]], [0] * 4, SIZE, 16, "by hand")
    monkeypatch.setattr(importlib.import_module("pyrascope.cli.plan"), "make_plan", lambda *given: [plan])
    code, out, _ = run("plan", picture, "-b", 4)
    assert code == 0
    assert out.splitlines()[0] == repr(plan)
    shares = [32 * 16, 2 * 16 * 32, 40 * 42]
    whole = 40 * 90
    expected = [
        ["1/2", "x", "native", "1", "25.0%", f"{shares[0] / whole:.1%}"],
        ["native", "x", "1/2", "2", "50.0%", f"{shares[1] / whole:.1%}"],
        ["1/4", "x", "1/4", "1", "25.0%", f"{shares[2] / whole:.1%}"],
    ]
    assert sorted(line.split() for line in out.splitlines() if " x " in line) == sorted(expected)
    assert f"The tokens show the image at {quality(plan, picture):.1f} dB." in out


def test_plan_takes_a_quarter_of_the_cells_and_a_fixation_down_before_across(run, picture, tmp_path):
    target = tmp_path / "plan.json"
    assert run("plan", picture, "--method", "foveated", "--fixation", "35,10", "--json", target)[0] == 0
    assert ps.Plan.load(target) == ps.plan(
        picture, 18 // 4, ps.methods.Foveated(), context=ps.Context(fixation=(35, 10))
    )


def test_crops_prints_the_rows_and_columns_of_each(run, picture, tmp_path):
    assert run("plan", picture, "-b", 9, "--json", tmp_path / "plan.json")[0] == 0
    code, out, _ = run("crops", picture, tmp_path / "plan.json", "--patch", 8, "--out", tmp_path / "made")
    assert code == 0
    listed = json.loads((tmp_path / "made" / "crops.json").read_text())
    for line, one in zip(out.splitlines(), listed, strict=False):
        y0, x0, y1, x1 = one["box"]
        with Image.open(tmp_path / "made" / one["file"]) as image:
            size = f"{image.height}x{image.width}"
            tokens = image.height // 8 * (image.width // 8)
        count = "1 token" if tokens == 1 else f"{tokens} tokens"
        assert line == f"{one['file']}: rows {y0} to {y1}, columns {x0} to {x1}, as {size} px, {count}"
    assert out.splitlines()[0].startswith("0.png: rows 0 to 40, columns 0 to 90, as ")


def test_importance_prints_the_range_and_the_place_of_the_most(run, picture):
    code, out, _ = run("importance", picture, "--map", "Fixation()", "--fixation", "39,60")
    assert code == 0
    values = ps.importance_map(picture, ps.importance.Fixation(), context=ps.Context(fixation=(39, 60)))
    assert out == (
        f"Fixation(): 3x6 cells, from {values.min():.3g} to {values.max():.3g} times the mean; "
        "the most at y 32..40, x 48..64\n"
    )
    assert run("importance", picture, "--map", "Fixation()", "--fixation", "2,89")[1].endswith("y 0..16, x 80..90\n")


def test_cost_prints_operations_shares_and_the_cache(run, tmp_path):
    config = {
        "hidden_size": 2048, "intermediate_size": 4096, "num_hidden_layers": 3, "num_attention_heads": 16,
        "num_key_value_heads": 4,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    words = ["--tokens", 900, "-b", 100, "--drop", "1:300", "--text", 7, "--config", tmp_path / "config.json"]
    code, out, _ = run("cost", *words)
    assert code == 0

    def layer(n):
        return n * (2 * 2048 * 2048 + 2 * 2048 * 512 + 3 * 2048 * 4096) + 2 * n * n * 2048

    cases = {" 900 tokens  ": [900] * 3, " 100 tokens  ": [100] * 3, " 900 tokens, dropped at": [900, 300, 300]}
    whole = 3 * layer(907)
    for name, counts in cases.items():
        operations = sum(layer(n + 7) for n in counts)
        cache = 2 * 2 * 512 * sum(counts)  # keys and values, of two bytes, as many as the four heads have
        (words,) = (line[len(name) :].split() for line in out.splitlines() if line.startswith(name))
        assert words == [
            f"{sum(counts) / 3:.1f}", f"{operations / 1e12:.3g}", "T", f"{operations / whole:.1%}",
            f"{cache / 2**20:.3g}", "MiB",
        ]  # fmt: skip
    assert "A multiply-add counts as one; 7 text tokens" in out


def test_compare_prints_what_each_plan_keeps_beside_the_resize(run, picture, tmp_path):
    code, out, _ = run("compare", picture, "-b", 9, "--method", "uniform", "--method", "zoom", "--json", tmp_path / "t")
    assert code == 0
    facts = {row["name"]: row for row in json.loads((tmp_path / "t").read_text())}
    plans = {
        "resize": ps.plan(picture, 9, ps.methods.Resize()),
        "uniform": ps.plan(picture, 9, ps.methods.Uniform()),
        "zoom": ps.plan(picture, 9, ps.methods.Zoom()),
    }
    bar = quality(plans["resize"], picture)
    for name, plan in plans.items():
        ((_, tokens, milliseconds, decibels, _, *beside, ssim, covers),) = lines(out, name)
        assert (int(tokens), float(milliseconds)) == (plan.tokens, round(facts[name]["milliseconds"]))
        assert decibels == f"{quality(plan, picture):.1f}"
        assert beside == ([] if name == "resize" else [f"{quality(plan, picture) - bar:+.1f}", "dB"])
        assert ssim == f"{facts[name]['ssim']:.3f}"
        assert covers == f"{plan.coverage:.0%}"
        near(facts[name]["psnr"], quality(plan, picture), size=100, dtype=ps.io.as_tensor(picture)[0].dtype)


@pytest.mark.parametrize(("kind", "levels"), [("gaussian", 3), ("laplacian", 3), ("mipmap", 3), ("steerable", 2)])
def test_pyramid_stops_below_16_px_of_the_shorter_side(run, picture, tmp_path, kind, levels):
    """40 px: 20 and 10 px follow."""
    out = run("pyramid", picture, "--kind", kind, "--out", tmp_path / "drawn.png")[1]
    assert out.startswith(f"{levels} levels")


def test_several_pictures_print_their_sum(run, picture, tmp_path):
    Image.fromarray((noise(70, 20, 3).numpy() * 255).astype(np.uint8)).save(tmp_path / "high.png")
    out = run("plan", picture, tmp_path / "high.png", "-b", 11)[1]
    counts = [int(count) for count in re.findall(r"^Plan\((\d+) tokens", out, re.M)]
    assert sum(counts) == 11
    assert "11 tokens in all" in out
