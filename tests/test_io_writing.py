"""Files are written whole or not at all."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from pyrascope import io
from stored import HEIGHT, WIDTH, open_files, save
from tolerances import near


@pytest.fixture(scope="module")
def picture():
    """uint8 (h, w, 3), smooth enough for JPEG, no two of its eight turns alike."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([10 + 14 * x, 20 + 18 * y, 200 - 6 * x - 5 * y], axis=-1).astype(np.uint8)


@pytest.fixture(autouse=True)
def no_file_stays_open():
    before = open_files()
    yield
    assert open_files() <= before


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_written_file_appears_when_it_is_whole(tmp_path, picture):
    target = tmp_path / "a.png"
    with io.write_whole(str(target)) as part:
        assert part.suffix == ".png"
        assert part.parent == tmp_path
        save(picture, part)
        assert not target.exists()
    assert names(tmp_path) == ["a.png"]
    near(io.read_image(target), picture / 255, "step")


def write(path, text, finish=lambda: None):
    with io.write_whole(path) as part:
        part.write_text(text)
        finish()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_no_file_or_the_old_one(tmp_path, error):
    def fail():
        raise error("half way")

    with pytest.raises(error, match="half way"):
        write(tmp_path / "new.json", "half", fail)
    assert names(tmp_path) == []
    write(tmp_path / "old.json", "old")
    with pytest.raises(error, match="half way"):
        write(tmp_path / "old.json", "half", fail)
    assert names(tmp_path) == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


def test_failure_to_move_leaves_no_part(tmp_path):
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "a.json", "[]", (tmp_path / "a.json").mkdir)
    assert names(tmp_path) == ["a.json"]


def test_permissions_are_the_old_or_the_usual_ones(tmp_path):
    (tmp_path / "usual").touch()
    (tmp_path / "old").touch(mode=0o640)
    for name, like in (("new", "usual"), ("old", "old")):
        expected = stat.S_IMODE((tmp_path / like).stat().st_mode)
        write(tmp_path / name, "text")
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == expected


def test_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "real" / "a.json")
    write(tmp_path / "link.json", "[]")
    assert (tmp_path / "link.json").is_symlink()
    assert names(tmp_path / "real") == ["a.json"]


def test_longest_names_and_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a" * 250 + ".json", "[]", lambda: monkeypatch.chdir("/"))
    assert names(tmp_path) == ["a" * 250 + ".json"]


def refuses_before_work(path, error, match):
    with pytest.raises(error, match=match) as caught, io.write_whole(path):
        pytest.fail("the block ran")
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_unwritable_targets_are_refused_before_any_work(tmp_path, monkeypatch):
    expected = "output must be a file that can be written, got .*; give a file name"
    (tmp_path / "a").touch()
    refuses_before_work(tmp_path / "no" / "a.json", FileNotFoundError, expected)
    refuses_before_work(tmp_path, IsADirectoryError, expected)
    refuses_before_work("", IsADirectoryError, expected)
    refuses_before_work(tmp_path / "a" / "b.json", NotADirectoryError, expected)
    refuses_before_work("/dev/null", OSError, expected)
    refuses_before_work(tmp_path / ("a" * 300), OSError, expected)
    refuses_before_work(tmp_path / "a\0b", ValueError, "output must be a file name, got .*null byte")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
    refuses_before_work(tmp_path / "a", PermissionError, expected)
    assert names(tmp_path) == ["a"]


def test_closed_folder_is_refused_before_any_work(tmp_path, monkeypatch):
    def closed(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    refuses_before_work(tmp_path / "a.json", PermissionError, r"output must be .* \(Permission denied\); give a file")
