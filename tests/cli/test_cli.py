"""The command line: what it writes, and that bad input ends in one sentence, exit code 2 and no file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pyrascope as ps
from pictures import noise
from pyrascope import cli
from pyrascope.methods.catalogue import entries
from pyrascope.methods.named import MAPS, METHODS

MOST = 24  # 4 x 6 cells of 16 px
COMMANDS = ["plan", "crops", "pyramid", "compare", "importance", "methods", "look"]


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray((noise(64, 96, 3).numpy() * 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def run(capsys):
    def run(*words):
        """Returns the exit code and what was printed; errors are checked for their form."""
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        if end.value.code == 0:
            assert err == ""
        else:
            assert end.value.code == 2
            assert out == ""
            assert err.startswith("pyrascope: ")
            assert err.endswith("\n")
            assert len(err.splitlines()) == 1
            assert len(err) < 600
        return end.value.code, out, err

    return run


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def opened(path):
    with Image.open(path) as image:
        return image.format, image.size, np.asarray(image.convert("L"))


# --- help ---


@pytest.mark.parametrize("words", [[], ["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_has_an_example(run, words):
    code, out, _ = run(*words)
    assert code == 0
    assert f"Example: pyrascope {words[0] if len(words) > 1 else 'plan'}" in " ".join(out.split())


def test_help_lists_all_commands(run):
    _, out, _ = run("--help")
    assert all(name in out for name in COMMANDS)


def test_version(run):
    assert run("--version") == (0, f"pyrascope {ps.__version__}\n", "")


# --- plan ---


@pytest.mark.parametrize("method", ["rate-distortion", "resize", "uniform", "random", "frequency", "Random(seed=3)"])
@pytest.mark.parametrize(("budget", "cell"), [(MOST, 16), (50, 8)])
def test_plan_writes_what_ps_plan_gives(run, photo, tmp_path, method, budget, cell):
    target = tmp_path / "plan.json"
    code, out, _ = run("plan", photo, "--budget", budget, "--method", method, "--cell", cell, "--json", target)
    assert code == 0
    found = ps.Plan.load(target)
    assert found == ps.plan(photo, budget, ps.methods.method_from(method), cell)
    assert repr(found) in out
    assert str(target) in out.replace("\n", "")
    assert json.loads(target.read_text())["format"] == "pyrascope.plan"


@pytest.mark.parametrize("suffix", ["png", "svg", "JPG"])
def test_plan_draws(run, photo, tmp_path, suffix):
    target = tmp_path / f"drawn.{suffix}"
    assert run("plan", photo, "-b", 5, "--out", target)[0] == 0
    assert names(tmp_path) == sorted([f"drawn.{suffix}", "photo.png"])
    assert target.stat().st_size > 5000
    if suffix == "png":
        kind, size, grey = opened(target)
        assert kind == "PNG"
        assert min(size) > 500
        assert grey.std() > 20


def test_plan_takes_a_quarter_by_default(run, photo):
    code, out, _ = run("plan", photo)
    assert code == 0
    assert f"Plan({MOST // 4} tokens for 64x96 px, cell 16" in out
    assert " dB." in out


def test_plan_says_when_nothing_is_lost(run, photo):
    assert "The tokens show the image exactly." in run("plan", photo, "-b", MOST)[1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "P", "I;16", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (40, 3)])
def test_plan_takes_any_picture(run, tmp_path, mode, size):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new(mode, size).save(path)
    assert run("plan", path, "-b", 1, "--json", tmp_path / "plan.json")[0] == 0
    assert ps.Plan.load(tmp_path / "plan.json").image_size == size[::-1]


def test_missing_folders_are_made(run, photo, tmp_path):
    target = tmp_path / "new" / "deep" / "plan.json"
    assert run("plan", photo, "-b", 3, "--json", target)[0] == 0
    assert names(target.parent) == ["plan.json"]


@pytest.mark.parametrize("name", ["a[red].json", "a[bold]b[", "[link=x]", "a b.json", "ü.json", "-a.json", ":smile:"])
def test_names_are_printed_as_they_are(run, photo, tmp_path, name):
    target = tmp_path / name
    code, out, _ = run("plan", photo, "-b", 3, "--json", target)
    assert code == 0
    assert f"plan written to {target}\n" in out


def test_names_with_markup_do_no_harm(run, photo, tmp_path):
    assert run("plan", photo, "-b", 3, "--json", tmp_path / "a[" / "b].json")[0] == 0


def test_old_files_are_replaced_only_on_success(run, photo, tmp_path):
    target = tmp_path / "plan.json"
    target.write_text("old")
    assert run("plan", photo, "-b", 0, "--json", target)[0] == 2
    assert target.read_text() == "old"
    assert run("plan", photo, "-b", 2, "--json", target)[0] == 0
    assert ps.Plan.load(target).tokens == 2


def test_one_file_for_two_outputs_is_refused(run, photo, tmp_path):
    assert run("plan", photo, "--json", tmp_path / "a.png", "--out", tmp_path / "a.png")[0] == 2
    assert names(tmp_path) == ["photo.png"]


def test_a_fixation_draws_the_tokens(run, photo, tmp_path):
    found = []
    for place in ("5,5", "60,90"):
        target = tmp_path / "plan.json"
        words = ["--method", "foveated", "--fixation", place, "--cell", 4, "-b", 40, "--json", target]
        assert run("plan", photo, *words)[0] == 0
        centres = ps.Plan.load(target).boxes.reshape(-1, 2, 2).mean(1)
        found.append(centres.mean(0))
    assert (found[1] - found[0] > 8).all()


def test_several_fixations_are_all_given(run, photo, tmp_path):
    words = ["--method", "foveated", "--fixation", "5,5", "--fixation", "60,90", "-b", 9]
    assert run("plan", photo, *words, "--json", tmp_path / "plan.json")[0] == 0
    context = ps.Context(fixation=[(5, 5), (60, 90)])
    assert ps.Plan.load(tmp_path / "plan.json") == ps.plan(photo, 9, ps.methods.Foveated(), context=context)


def test_a_weight_is_a_map_or_a_picture(run, photo, tmp_path):
    target, mask = tmp_path / "plan.json", tmp_path / "mask.png"
    values = np.zeros((64, 96), dtype=np.uint8)
    values[:32, :32] = 255
    Image.fromarray(values).save(mask)
    assert run("plan", photo, "-b", 9, "--weight", mask, "--json", target)[0] == 0
    assert ps.Plan.load(target) == ps.plan(photo, 9, weight=values / np.float32(255))
    assert ps.Plan.load(target) != ps.plan(photo, 9)
    assert run("plan", photo, "-b", 9, "--weight", "BandEnergy(levels=1)", "--json", target)[0] == 0
    weight = ps.importance_map(photo, ps.importance.BandEnergy(levels=1))
    assert ps.Plan.load(target) == ps.plan(photo, 9, weight=weight)


def test_auto_takes_the_tiers_of_the_method(run, photo, tmp_path):
    words = ["--method", "region-tiers", "--cell", 2, "--json", tmp_path / "plan.json"]
    assert run("plan", photo, *words, "--budget", "auto")[0] == 0
    assert ps.Plan.load(tmp_path / "plan.json") == ps.plan(photo, None, ps.methods.RegionTiers(), 2)


def test_several_images_share_a_budget(run, photo, tmp_path):
    flat, target = tmp_path / "flat.png", tmp_path / "plans.json"
    Image.new("RGB", (96, 64)).save(flat)
    code, out, _ = run("plan", photo, flat, "-b", 20, "--json", target)
    assert code == 0
    assert "20 tokens in all" in out
    found = [ps.Plan.from_json(json.dumps(one)) for one in json.loads(target.read_text())]
    assert found == ps.plan([photo, flat], 20)
    assert [one.tokens for one in found] == [19, 1]


# --- compare ---


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


# --- importance ---


def test_importance_writes_what_ps_importance_map_gives(run, photo, tmp_path):
    values, picture = tmp_path / "values.json", tmp_path / "map.png"
    words = ["--map", "band-energy", "--map", "Fixation()", "--fixation", "8,90", "--json", values, "--out", picture]
    code, out, _ = run("importance", photo, *words)
    assert code == 0
    rows = json.loads(values.read_text())
    context = ps.Context(fixation=(8, 90))
    for row, made in zip(rows, (ps.importance.BandEnergy(), ps.importance.Fixation()), strict=True):
        assert row["map"] == repr(made)
        np.testing.assert_allclose(row["values"], ps.importance_map(photo, made, context=context), rtol=1e-6)
    assert "Fixation(): 4x6 cells" in out
    assert "the most at y 0..16, x 80..96" in out
    assert opened(picture)[0] == "PNG"


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--map", "salience"], "map must be one of .*did you mean saliency"),
        (["--map", "Weighted()"], "Weighted has an option that does not fit"),
        (["--map", "Query()"], "Query needs context.query"),
        (["--map", "Attention()"], "Attention needs context.attention"),
        (["--cell", "0"], "cell must be a whole number from 1 to 4096"),
        (["--fixation", "-1,5"], "fixation must lie in the image"),
    ],
)
def test_bad_options_of_importance(run, photo, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("importance", "photo.png", *words, "--json", "a.json", "--out", "a.png")
    assert code == 2
    assert re.search(match, err)
    assert names(tmp_path) == ["photo.png"]


# --- methods ---


def test_methods_lists_all_in_100_columns(run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    code, out, _ = run("methods", "--json", tmp_path / "list.json")
    assert code == 0
    assert max(map(len, out.replace(str(tmp_path), "").splitlines())) <= 100
    assert all(f"\n{name} " in out for name in [*METHODS, *MAPS])
    entries = json.loads((tmp_path / "list.json").read_text())
    assert [entry["name"] for entry in entries] == [*METHODS, *MAPS]
    for entry in entries:
        assert all(option["meaning"] for option in entry["options"]), entry["name"]


@pytest.mark.parametrize("name", ["anisotropic", "RegionTiers", "band-energy", "Weighted"])
def test_one_in_full(run, name):
    code, out, _ = run("methods", name)
    assert code == 0
    text = " ".join(out.split())
    entry = next(one for one in entries() if name in (one.name, one.call.split("(")[0]))
    assert entry.idea in text
    assert all(option.meaning in text for option in entry.options)
    assert "Example: pyrascope" in text


@pytest.mark.parametrize("name", ["anisotropc", "foveate", "xyz", "", "[/red]"])
def test_unknown_methods_name_the_near_ones(run, tmp_path, name):
    code, _, err = run("methods", name, "--json", tmp_path / "a.json")
    assert code == 2
    assert {"anisotropc": "anisotropic", "foveate": "foveated"}.get(name, "`pyrascope methods` lists all") in err
    assert names(tmp_path) == []


# --- pyramid ---


@pytest.mark.parametrize("kind", ["gaussian", "laplacian", "mipmap", "steerable"])
@pytest.mark.parametrize("levels", [None, 1, 5])
def test_pyramid_draws(run, photo, tmp_path, kind, levels):
    target = tmp_path / "pyramid.png"
    words = [] if levels is None else ["--levels", levels]
    code, out, _ = run("pyramid", photo, "--kind", kind, "--out", target, *words)
    assert code == 0
    if kind == "steerable":
        assert out == f"{levels or 3} levels of 4 orientations, picture written to {target}\n"
    else:
        assert out == f"{levels or 4} levels, picture written to {target}\n"
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


# --- bad input ---


@pytest.fixture
def bad(tmp_path, photo):
    """A folder of files that are no pictures."""
    folder = tmp_path / "bad"
    (folder / "folder.png").mkdir(parents=True)
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no picture\n" * 99)
    (folder / "cut.png").write_bytes(photo.read_bytes()[:3000])
    with Image.open(photo) as image:
        image.save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:1200])
    (folder / "whole.jpg").unlink()
    return folder


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("none.png", "must be a readable file"),
        ("folder.png", "must be a readable file"),
        ("empty.png", "must hold data"),
        ("text.png", "image file"),
        ("cut.png", "image file"),
        ("cut.jpg", "image file"),
        ("no\nlines.png", "must be a readable file"),
        ("x" * 300, "must be a readable file"),
        ("nul\0.png", "null byte"),
        ("\udcff.png", "must be a readable file"),
    ],
)
def test_bad_pictures(run, bad, tmp_path, name, match):
    before = names(tmp_path)
    outputs = ["--json", tmp_path / "plan.json", "--out", tmp_path / "drawn.png"]
    for words in (["plan", bad / name, *outputs], ["pyramid", bad / name, *outputs[2:]]):
        code, _, err = run(*words)
        assert code == 2
        assert match in err
        assert names(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--budget", "0"], "budget must be a whole number from 1 to 24, got 0"),
        (["--budget", "-3"], "budget must be a whole number from 1 to 24, got -3"),
        (["--budget", "25"], "got 25; a 64x96 px image has 4x6 cells of 16 px"),
        (["--budget", "9" * 50], "budget must be a whole number from 1 to 24"),
        (["--budget", "9" * 5000], "--budget"),
        (["--budget", "abc"], "--budget"),
        (["--budget", "3.5"], "--budget"),
        (["--budget", ""], "--budget"),
        (["--budget"], "--budget"),
        (["--cell", "0"], "cell must be a whole number from 1 to 4096, got 0"),
        (["--cell", "-1"], "cell must be a whole number from 1 to 4096, got -1"),
        (["--cell", "9999"], "cell must be a whole number from 1 to 4096, got 9999"),
        (["--cell", "9" * 400], "cell must be a whole number from 1 to 4096"),
        (["--method", "unifrom"], "did you mean uniform?"),
        (["--method", ""], "method must be one of"),
        (["--method", "__import__('os')"], "method must be one of"),
        (["--method", "Random(seed=-1)"], "seed must be"),
        (["--method", "Random(seed='a\nb')"], "method options must be"),
        (["--method", "Random[/red]"], "method must be one of"),
        (["--metod", "uniform"], "--metod"),
        (["more.png"], "more.png"),
        (["photo.png", "--out", "a.png"], "--out must be left out for 2 images"),
        (["photo.png", "--budget", "1"], "budget must be a whole number from 2 to 48, got 1"),
        (["--budget", "auto"], "needs a budget from 1 to 24, got none"),
        (["--weight", "Salience()"], "did you mean saliency?"),
        (["--weight", "none.png"], "--weight must be a picture or an importance map: no file 'none.png'"),
        (["--weight", "Query()"], "Query needs context.query"),
        (["--weight", "Saliency()", "--method", "resize"], "takes no weight"),
        (["--fixation", "3"], "--fixation must be Y,X in source pixels, as in 120,80, got '3'"),
        (["--fixation", "3,b"], "--fixation must be Y,X"),
        (["--fixation", "nan,1"], "fixation must be finite"),
        (["--fixation", "999,1"], "fixation must lie in the image of 64x96 px"),
        (["--json", "photo.png/plan.json"], "output must be"),
        (["--json", "photo.png/deep/plan.json"], "output must be"),
        (["--json", "."], "output must be a file"),
        (["--json", "x" * 300], "output must be"),
        (["--json", "a\0b"], "null byte"),
        (["--json", ""], "output must be"),
        (["--json", "/proc/none/plan.json"], "output must be"),
        (["--out", "photo.png/drawn.png"], "output must be"),
        (["--out", "drawn.xyz"], "picture must be written to a file that ends in one of .png"),
        (["--out", "drawn"], "picture must be written to a file that ends in one of .png"),
        (["--out", ""], "picture must be written to a file that ends in one of .png"),
        (["--out", "new/deep/drawn.png", "--budget", "0"], "budget must be"),
        (["--json", "new/plan.json", "--out", "drawn.xyz"], "picture must be written"),
        (["--json", "photo.png", "--budget", "0"], "budget must be"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_bad_options_of_plan(run, photo, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    kept = photo.read_bytes()
    code, _, err = run("plan", "photo.png", *words)
    assert code == 2
    assert match in err
    assert names(tmp_path) == ["photo.png"]
    assert photo.read_bytes() == kept


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
            "levels must be a whole number from 0 to 6, got 9; an image of 64x96 allows 6 oriented levels",
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


@pytest.mark.parametrize("words", [["plam"], ["--nope"], ["plan"], ["pyramid"], ["plan", "--json"], ["", ""]], ids=str)
def test_bad_commands(run, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert run(*words)[0] == 2
    assert names(tmp_path) == []


def test_faults_of_the_program_are_not_hidden(photo, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("pyrascope.cli.plan.make_plan", fail)
    with pytest.raises(ZeroDivisionError, match="a fault"):
        cli.main(["plan", str(photo)])


def test_interruption_leaves_no_file(photo, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pyrascope.cli.plan.make_plan", stop)
    with pytest.raises(SystemExit) as end:
        cli.main(["plan", str(photo), "--json", str(tmp_path / "plan.json")])
    assert end.value.code == 130
    assert names(tmp_path) == ["photo.png"]


def test_cost_says_what_pyramid_drop_publishes(run, tmp_path):
    drops = ["--drop", "8:288", "--drop", "16:144", "--drop", "24:72"]
    code, out, _ = run("cost", "-b", "128", *drops, "--json", str(tmp_path / "cost.json"))
    assert code == 0
    assert "3.82 T" in out
    assert "1.78 T" in out
    rows = json.loads((tmp_path / "cost.json").read_text())
    assert [row["mean_tokens"] for row in rows] == [576, 128, 270]


def test_cost_reads_a_config(run, tmp_path):
    config = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    (tmp_path / "config.json").write_text(json.dumps({"text_config": config}))
    code, _, _ = run("cost", "--tokens", "4", "--config", str(tmp_path / "config.json"), "--json", str(tmp_path / "o"))
    assert code == 0
    # two layers of 4 tokens: 4 d^2 for q, k, v, o and 3 d m for the MLP a token, 2 n^2 d for attention
    assert json.loads((tmp_path / "o").read_text())[0]["flops"] == 2 * (4 * (4 * 64 + 3 * 8 * 16) + 2 * 16 * 8)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--model", "llava"], "--model must be one of"),
        (["--drop", "8"], "--drop must be LAYER:COUNT"),
        (["--drop", "40:3"], "layer of a drop"),
        (["--multiply-add", "3"], "multiply_add"),
        (["--config", "none.json"], "none.json"),
        (["--drop", "8:288", "--drop", "8:100"], "--drop must name each layer once, got layer 8 twice"),
        (["--config", "none.json"], "--config must be a readable file, got 'none.json'"),
    ],
)
def test_bad_options_of_cost(run, words, wrong):
    code, _, err = run("cost", *words)
    assert code == 2
    assert wrong in err
    assert err.count("\n") == 1


def test_the_installed_command(photo, tmp_path):
    command = Path(sys.executable).with_name("pyrascope")

    def call(*words):
        return subprocess.run([command, *words], capture_output=True, text=True, cwd=tmp_path, timeout=60)

    good = call("plan", photo, "--budget", "5", "--json", "plan.json")
    assert (good.returncode, good.stderr) == (0, "")
    assert ps.Plan.load(tmp_path / "plan.json") == ps.plan(photo, 5)
    wrong = call("plan", photo, "--budget", "0")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("pyrascope: budget must be a whole number from 1 to 24, got 0")
    assert len(wrong.stderr.splitlines()) == 1
