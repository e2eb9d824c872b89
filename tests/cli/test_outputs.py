"""What commands write: whole, where asked, never over what they read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pyrascope import cli
from pyrascope._files import through_a_device


def test_json_to_standard_output_is_all_that_is_there(photo, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["plan", str(photo), "-b", "8", "--json", "-"])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert len(json.loads(out)["boxes"]) == 8
    assert "8 tokens" in err, "what people read goes to standard error"
    assert not Path("-").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["importance", "{photo}"],
        ["compare", "{photo}", "-b", "6", "--method", "uniform"],
        ["methods", "uniform"],
        ["cost", "-b", "64"],
    ],
    ids=lambda words: words[0],
)
def test_every_command_prints_its_json(photo, capsys, words):
    with pytest.raises(SystemExit) as end:
        cli.main([*(word.format(photo=photo) for word in words), "--json", "-"])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert json.loads(out)
    assert err


def test_what_was_in_a_log_stays(photo, tmp_path):
    """`--json /dev/stdout >> log`: the log is a regular file, and would be replaced."""
    log = tmp_path / "log.txt"
    log.write_text("a line\n")
    command = [sys.executable, "-c", "from pyrascope.cli import main; main()", "plan", photo, "-b", "8"]
    for target, code in (("/dev/stdout", 2), ("-", 0)):
        with log.open("a") as end:
            done = subprocess.run([*command, "--json", target], stdout=end, stderr=subprocess.PIPE, check=False)
        assert done.returncode == code
        assert log.read_text().startswith("a line\n")
    assert len(json.loads(log.read_text().split("\n", 1)[1])["boxes"]) == 8


def test_through_a_device(tmp_path):
    link, plain, own = tmp_path / "link", tmp_path / "plain.json", tmp_path / "own"
    link.symlink_to("/dev/stdout")
    own.symlink_to(plain)
    assert through_a_device(link)
    assert through_a_device("/dev/null")
    assert through_a_device("/proc/self/fd/1")
    os.mkfifo(tmp_path / "pipe")
    assert through_a_device(tmp_path / "pipe")
    plain.write_text("{}")
    assert not through_a_device(plain)
    assert not through_a_device(own)
    assert not through_a_device(tmp_path)
    assert not through_a_device(tmp_path / "none")
    assert not through_a_device("a\0b")
    own.unlink()
    own.symlink_to(own)
    assert not through_a_device(own), "a link to itself: what opens it refuses it"


@pytest.mark.parametrize("command", ["plan", "importance", "pyramid", "compare"])
def test_no_picture_is_written_over_an_input(run, photo, tmp_path, command):
    kept, other = photo.read_bytes(), tmp_path / "other.png"
    os.link(photo, other)  # the same file by another name
    for target in (photo, other):
        code, _, err = run(command, photo, "--out", target)
        assert code == 2
        assert f"--out must not be a file that is read, got {target}" in err
    assert photo.read_bytes() == kept


def test_a_weight_is_an_input_too(run, photo, tmp_path):
    weight = tmp_path / "weight.png"
    Image.fromarray(np.full((4, 6), 200, np.uint8)).save(weight)
    assert run("plan", photo, "--weight", weight, "--out", weight)[0] == 2
    assert run("plan", photo, "--weight", weight, "--out", tmp_path / "plan.png")[0] == 0


def test_crops_are_not_written_over_their_picture(run, photo, tmp_path):
    plan = tmp_path / "plan.json"
    assert run("plan", photo, "-b", "12", "--json", plan)[0] == 0
    first = tmp_path / "0.png"
    photo.rename(first)
    kept = first.read_bytes()
    code, _, err = run("crops", first, plan, "--out", tmp_path)
    assert (code, first.read_bytes() == kept) == (2, True)
    assert "must not be a file that is read" in err
    plan.rename(tmp_path / "crops.json")
    first.rename(photo)
    assert run("crops", photo, tmp_path / "crops.json", "--out", tmp_path)[0] == 2


def test_json_is_not_written_over_another_kind(run, photo, tmp_path):
    other = tmp_path / "table.csv"
    other.write_text("a,b\n")
    code, _, err = run("plan", photo, "--json", other)
    assert code == 2
    assert "ends in .json" in err
    assert other.read_text() == "a,b\n"
    assert run("plan", photo, "-b", "5", "--json", tmp_path / "new.plan")[0] == 0, "a name of one's own is free"
    assert run("plan", photo, "-b", "5", "--json", tmp_path / "plan.json")[0] == 0
    assert run("plan", photo, "-b", "6", "--json", tmp_path / "plan.json")[0] == 0, "an old output is replaced"
    assert len(json.loads((tmp_path / "plan.json").read_text())["boxes"]) == 6
