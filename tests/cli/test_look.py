"""`pyrascope look`: what it prints, writes and refuses."""

import json

import pytest
from PIL import Image

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.cli.main import main
from tiny_models import save_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture
def look(tmp_path, capsys):
    path = tmp_path / "photo.png"
    Image.radial_gradient("L").resize((90, 70)).convert("RGB").save(path)
    capsys.readouterr()

    def look(*words):
        with pytest.raises(SystemExit) as end:
            main(["look", str(path), "-q", "what is here", *map(str, words)])
        out, err = capsys.readouterr()
        assert len(err.splitlines()) == (end.value.code != 0)
        return end.value.code, out, err

    return look


def test_answers_are_printed_written_and_drawn(look, folder, tmp_path):
    words = ["--model", folder, "--method", "div-prune", "--max-new-tokens", 2]
    code, out, _ = look("-b", 9, *words, "--json", tmp_path / "a.json", "--out", tmp_path / "a.png")
    assert code == 0
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["tokens"] == found["plan"]["tokens"] == 9
    assert found["budget"] == 9
    assert found["full"]["tokens"] == 64
    assert found["resize"]["tokens"] <= 9
    assert found["answer"] in out
    assert found["entropy"] > 0
    assert {"first_token", "planning", "all"} <= set(found["seconds"])
    assert ps.Plan.from_json(json.dumps(found["plan"])).tokens == 9
    with Image.open(tmp_path / "a.png") as drawn:
        assert min(drawn.size) > 500


def test_a_gate_takes_the_sure_answer(look, folder, tmp_path):
    words = ["-b", 9, "--model", folder, "--no-full", "--max-new-tokens", 1, "--json", tmp_path / "a.json"]
    for gate, method in ((100, "Resize()"), (0, "CoarseToFine(method=Zoom(), share=50, elsewhere=0.02, counted=True)")):
        assert look(*words, "--gate", gate)[0] == 0
        assert json.loads((tmp_path / "a.json").read_text())["method"] == method


def test_without_the_full_prompt(look, folder, tmp_path):
    to = ["--json", tmp_path / "a.json"]
    code, out, _ = look("-b", 64, "--model", folder, "--method", "tome", "--no-full", "--max-new-tokens", 2, *to)
    assert code == 0
    assert [line[:7].strip() for line in out.splitlines()[1:]][:3] == ["look", "resize", "answers"], out
    assert json.loads((tmp_path / "a.json").read_text())["full"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--model is needed"),
        (("--model", "no/such/model"), "model must be a folder or hub id"),
        (("--model", "{folder}", "-b", 65), "budget must be a whole number from 1 to 64, got 65"),
        (("--model", "{folder}", "--method", "nothing"), "method must be one of"),
        (("--model", "{folder}", "--out", "{tmp}/a.txt"), "a picture must be written to a file that ends in"),
        (("--model", "{folder}", "--max-new-tokens", 0), "max-new-tokens"),
    ],
)
def test_bad_input_is_one_sentence_and_no_file(look, folder, tmp_path, monkeypatch, words, message):
    monkeypatch.setattr("pyrascope.models.load.BUILTIN", tmp_path / "none")
    filled = [str(word).format(folder=folder, tmp=tmp_path) for word in words]
    code, out, err = look("-b", 9, "--json", tmp_path / "a.json", *filled)
    assert code == 2
    assert out == ""
    assert message in err
    assert not (tmp_path / "a.json").exists()


def test_the_finest_level_may_be_a_number_of_octaves(look, folder):
    words = ["-b", 9, "--model", folder, "--no-full", "--max-new-tokens", 1, "--method", "uniform"]
    assert look(*words, "--finest", 1)[0] == 0
    code, _, err = look(*words, "--finest", 9)
    assert code == 2
    assert "octaves from 0 to 3, got 9" in err
