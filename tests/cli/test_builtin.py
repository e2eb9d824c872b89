"""The commands that make scenes and weights: folders whole or absent, bad input in one sentence."""

import json

import pytest


def test_scenes_writes_pictures_and_questions(run, tmp_path):
    code, out, _ = run("scenes", "--seed", 7, "--count", 3, "--out", tmp_path / "a")
    assert code == 0
    assert "3 scenes written" in out.replace("\n", " ")
    lines = [json.loads(line) for line in (tmp_path / "a" / "questions.jsonl").read_text().splitlines()]
    assert [line["image"] for line in lines] == ["00.png", "01.png", "02.png"]
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"questions.jsonl", "00.png", "01.png", "02.png"}
    assert all(set(line) == {"image", "question", "answer", "family", "evidence"} for line in lines)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["scenes", "--out", "a", "--count", 0], "--count must be"),
        (["scenes", "--out", "a", "--seed", -1], "--seed must be"),
        (["scenes", "--out", "full"], "new or empty"),
        (["train", "--out", "a", "--threads", 0], "--threads must be"),
        (["train", "--out", "a", "--seed", -1], "--seed must be"),
        (["train", "--out", "a", "--resume"], "found none in a"),
        (["train", "--out", "a", "--export-only"], "found none in a"),
    ],
    ids=str,
)
def test_bad_options(run, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").touch()
    code, _, err = run(*words)
    assert code == 2
    assert match in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "a").exists()
