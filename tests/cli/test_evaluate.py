"""`pyrascope evaluate`: what it writes, prints and refuses."""

import json

import pytest

pytest.importorskip("transformers")

from pyrascope.cli.main import main
from pyrascope.world.scenes import write_scenes
from tiny_models import save_tiny
from written import names, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture
def evaluate(run, folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = ["--model", folder, "--budgets", "20,9", "--timed", 1, "--max-new-tokens", 1, "--families", "color,hop"]
    return lambda *more: run("evaluate", *words, *more)


def test_a_report_of_the_built_in_world(evaluate, tmp_path):
    code, out, _ = evaluate(
        "--samples", 2, "--methods", "coarse-to-fine,div-prune,fast-v", "--out", "a", "--json", "f.json"
    )
    assert code == 0
    assert names(tmp_path) == [
        "a/pareto.png", "a/records.jsonl", "a/report.md", "a/results.json", "f.json",
    ]  # fmt: skip
    assert (tmp_path / "f.json").read_text() == (tmp_path / "a/results.json").read_text()
    facts = json.loads((tmp_path / "f.json").read_text())
    methods = {one["method"] for one in facts["rows"]}
    assert methods == {
        "full", "blind", "oracle", "resize", "random", "coarse-to-fine", "div-prune", "gate", "majority",
    }  # fmt: skip
    assert {one["budget"] for one in facts["rows"]} == {None, 9, 20}
    assert list(facts["families"]) == ["color", "hop"]
    assert all(one["asked"] == 4 for one in facts["rows"])
    assert {(one["method"], one["budget"]) for one in facts["refused"]} == {("fast-v", 9), ("fast-v", 20)}
    assert facts["about"]["command"].startswith("pyrascope")
    records = [json.loads(line) for line in (tmp_path / "a/records.jsonl").read_text().splitlines()]
    assert len(records) == 4 * len(facts["rows"])
    assert (tmp_path / "a/report.md").read_text().startswith("# 4 questions to ")
    kind, size, _ = opened(tmp_path / "a/pareto.png")
    assert kind == "PNG"
    assert min(size) > 500
    assert "fast-v at 9 is left out" in out
    assert "coarse-to-fine" in out
    assert "report written to a" in out


def test_questions_of_ones_own(evaluate, tmp_path):
    write_scenes(tmp_path / "scenes", 3, 13)
    code, _, _ = evaluate("--data", "scenes/questions.jsonl", "--samples", 1, "--json", "f.json")
    assert code == 0
    facts = json.loads((tmp_path / "f.json").read_text())
    assert all(one["asked"] == 2 for one in facts["rows"])
    assert "questions.jsonl" in facts["about"]["questions"]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--budgets", "a"], "--budgets must be whole numbers"),
        (["--budgets", "0"], "a budget must be a whole number >= 1"),
        (["--methods", "unifrom"], "did you mean uniform?"),
        (["--families", "nothing"], "family must be one of"),
        (["--seed", "-1"], "--seed must be"),
        (["--samples", "0"], "samples"),
        (["--data", "none.jsonl"], "data must be a readable file"),
        (["--data", "bad.jsonl"], "line 1 of bad.jsonl must be a JSON object"),
        (["--method", "tome"], "No such option: --method"),
        (["--out", "full"], "must be new or empty"),
    ],
    ids=str,
)
def test_bad_options_leave_nothing_behind(evaluate, tmp_path, words, match):
    (tmp_path / "bad.jsonl").write_text("no")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").touch()
    code, _, err = evaluate("--json", "f.json", *(["--out", "a"] if "--out" not in words else []), *words)
    assert code == 2
    assert match in err
    assert names(tmp_path) == ["bad.jsonl", "full/kept"]
    assert {path.name for path in tmp_path.iterdir()} == {"bad.jsonl", "full"}


def test_compare_without_an_image_still_evaluates_and_says_so(folder, capsys):
    words = ["--budgets", "9", "--samples", "1", "--timed", "1", "--max-new-tokens", "1", "--families", "color"]
    with pytest.raises(SystemExit) as end:
        main(["compare", "--model", str(folder), *words])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert err == "compare without an image is now `pyrascope evaluate`; this form will go\n"
    assert "coarse-to-fine" in out
