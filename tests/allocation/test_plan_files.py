"""Plans in files."""

import json
import os
import threading

import pytest

import pyrascope as ps
from pictures import noise
from plans_by_hand import document, made
from pyrascope import Plan


def test_save_and_load(tmp_path):
    plan = ps.plan(noise(3, 40, 56), 7, cell=8)
    for path in (tmp_path / "plan.json", str(tmp_path / "other.json")):
        plan.save(path)
        assert Plan.load(path) == plan
    made().save(tmp_path / "plan.json")
    assert Plan.load(tmp_path / "plan.json") == made()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.json", "plan.json"]


def test_a_file_is_whole_or_absent(tmp_path, monkeypatch):
    made().save(tmp_path / "old.json")

    def fail(self):
        raise MemoryError("no more")

    monkeypatch.setattr(Plan, "to_json", fail)
    for name in ("old.json", "new.json"):
        with pytest.raises(MemoryError, match="no more"):
            made(cell=4).save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == ["old.json"]
    assert Plan.load(tmp_path / "old.json") == made()


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"[]", document().encode()[:-9]])
def test_load_names_the_file(tmp_path, content):
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.json.*must|must.*broken\.json") as caught:
        Plan.load(tmp_path / "broken.json")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_load_of_no_file_says_what_to_do(tmp_path):
    """As for images: the fitting OSError, in a sentence with what was expected."""
    for path, error in ((tmp_path / "none.json", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(error, match=r"must be a readable file, got .*; check the path"):
            Plan.load(path)


def test_load_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    seen = []

    def load():
        try:
            Plan.load(tmp_path / "pipe")
        except (OSError, ValueError) as error:
            seen.append(error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(2)
    if thread.is_alive():  # let it go, as a writer would
        os.close(os.open(tmp_path / "pipe", os.O_WRONLY))
        thread.join(2)
        pytest.fail("Plan.load waits for a writer")
    assert isinstance(seen[0], OSError)


def test_save_to_no_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="output must be a file that can be written"):
        made().save(tmp_path / "none" / "plan.json")
    with pytest.raises(IsADirectoryError, match="output must be a file that can be written"):
        made().save(tmp_path)


def test_plans_of_several_images_are_read_back(tmp_path):
    plans = ps.plan([noise(3, 61, 93), noise(1, 40, 17)], 13)
    several, one = tmp_path / "several.json", tmp_path / "one.json"
    several.write_text(json.dumps([json.loads(plan.to_json()) for plan in plans]))
    plans[0].save(one)
    assert Plan.load_all(several) == plans
    assert Plan.load_all(one) == plans[:1]
    with pytest.raises(ValueError, match=r"several.json: a plan must be one JSON object, got a list of 2; .*load_all"):
        Plan.load(several)
    several.write_text(several.read_text().replace('"version": 1', '"version": 99', 1))
    with pytest.raises(ValueError, match=r"several.json: plan 0: plan version must be"):
        Plan.load_all(several)
    several.write_text("[")
    with pytest.raises(ValueError, match=r"several.json: a plan must be JSON text"):
        Plan.load_all(several)
