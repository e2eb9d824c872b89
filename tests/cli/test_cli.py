"""The command line: what it writes, and that bad input ends in one sentence, exit code 2 and no file."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import pyrascope as ps
from pictures import UNEVEN, noise
from pyrascope import cli
from pyrascope.allocation.importance import weight_of
from pyrascope.cli.main import COMMANDS
from written import names, opened

MOST = 24  # 4 x 6 cells of 16 px


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
    assert f"Plan({MOST // 4} tokens for 61x93 px, cell 16" in out
    assert " dB." in out


def test_plan_says_when_nothing_is_lost(run, tmp_path):
    Image.fromarray((noise(64, 96, 3).numpy() * 255).astype(np.uint8)).save(tmp_path / "even.png")
    assert "The tokens show the image exactly." in run("plan", tmp_path / "even.png", "-b", MOST)[1]


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
    values = np.zeros(UNEVEN, dtype=np.uint8)
    values[:32, :32] = 255
    Image.fromarray(values).save(mask)
    assert run("plan", photo, "-b", 9, "--weight", mask, "--json", target)[0] == 0
    assert ps.Plan.load(target) == ps.plan(photo, 9, weight=values / np.float32(255))
    assert ps.Plan.load(target) != ps.plan(photo, 9)
    assert run("plan", photo, "-b", 9, "--weight", "BandEnergy(levels=1)", "--json", target)[0] == 0
    weight = weight_of(torch.from_numpy(ps.importance_map(photo, ps.importance.BandEnergy(levels=1))), UNEVEN, 16)
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


# --- importance ---


# --- methods ---


# --- pyramid ---


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
        (["--budget", "25"], "got 25; a 61x93 px image has 4x6 cells of 16 px"),
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
        (["--fixation", "999,1"], "fixation must lie in the image of 61x93 px"),
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
        (["--json", "photo.png"], "--json must be a file that ends in .json, or - for standard output, got photo.png"),
        (["--json", "new.jpg"], "--json must be a file that ends in .json"),
        (["--json", "/dev/stdout"], "--json must be a file, got /dev/stdout, which is a device; for standard output"),
        (["--json", "/dev/null"], "which is a device"),
        (["--out", "photo.png"], "--out must not be a file that is read, got photo.png; give another name"),
        (["--out", "../{folder}/photo.png"], "--out must not be a file that is read"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_bad_options_of_plan(run, photo, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    kept = photo.read_bytes()
    code, _, err = run("plan", "photo.png", *(word.replace("{folder}", tmp_path.name) for word in words))
    assert code == 2
    assert match in err
    assert names(tmp_path) == ["photo.png"]
    assert photo.read_bytes() == kept


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
