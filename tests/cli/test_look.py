"""`pyrascope look`: what it prints, writes and refuses."""

import json

import pytest
import torch
from PIL import Image

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.builtin.look import default_method, trained_look
from pyrascope.cli.main import main
from pyrascope.methods import CoarseToFine, Zoom
from pyrascope.models import answer
from pyrascope.models.stock.load import load
from pyrascope.world.scenes import sample
from tiny_builtin import save_tiny_builtin
from tiny_models import save_tiny
from tolerances import near

UNTRAINED = CoarseToFine(Zoom())


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


@pytest.mark.parametrize(("budget", "more", "tokens"), [("0.25", [], 16), ("900", ["--at-most"], 64), ("1.0", [], 64)])
def test_a_ratio_and_at_most(look, folder, tmp_path, budget, more, tokens):
    words = ["--model", folder, "--method", "div-prune", "--no-full", "--max-new-tokens", 1]
    assert look("-b", budget, *words, *more, "--json", tmp_path / "a.json")[0] == 0
    assert json.loads((tmp_path / "a.json").read_text())["tokens"] == tokens


def test_without_the_full_prompt(look, folder, tmp_path):
    to = ["--json", tmp_path / "a.json"]
    code, out, _ = look("-b", 64, "--model", folder, "--method", "tome", "--no-full", "--max-new-tokens", 2, *to)
    assert code == 0
    assert [line[:7].strip() for line in out.splitlines()[1:]][:3] == ["look", "resize", "answers"], out
    assert json.loads((tmp_path / "a.json").read_text())["full"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the built-in model's weights must be in"),
        (("--model", "no/such/model"), "model must be a folder or hub id"),
        (("--model", "{folder}", "-b", 65), "budget must be a whole number from 1 to 64, got 65"),
        (("--model", "{folder}", "-b", "many"), "budget must be a whole number of tokens or a ratio such as 0.25"),
        (("--model", "{folder}", "-b", "1.5"), "a ratio above 0 and up to 1.0, got 1.5"),
        (("--model", "{folder}", "--method", "nothing"), "method must be one of"),
        (("--model", "{folder}", "--out", "{tmp}/a.txt"), "a picture must be written to a file that ends in"),
        (("--model", "{folder}", "--max-new-tokens", 0), "max-new-tokens"),
    ],
)
def test_bad_input_is_one_sentence_and_no_file(look, folder, tmp_path, monkeypatch, words, message):
    monkeypatch.setattr("pyrascope.builtin.folder.BUILTIN", tmp_path / "none")
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


@pytest.fixture(scope="module")
def built_in(tmp_path_factory):
    return save_tiny_builtin(tmp_path_factory.mktemp("builtin"))


@pytest.fixture
def ask(tmp_path, capsys, monkeypatch, built_in):
    """Asks the model that takes the place of the built-in one about a scene, or about another picture."""
    monkeypatch.setattr("pyrascope.builtin.folder.BUILTIN", built_in)
    scene = tmp_path / "scene.png"
    Image.fromarray(sample(1, 0).image).save(scene)

    def ask(question, *words, image=scene):
        with pytest.raises(SystemExit) as end:
            main(["look", str(image), "-q", question, "-b", "96", "--max-new-tokens", "3", *map(str, words)])
        out, err = capsys.readouterr()
        assert len(err.splitlines()) == (end.value.code != 0)
        return end.value.code, out, err

    return ask


def test_without_a_model_the_built_in_one_looks_by_its_own_heads(ask, built_in, tmp_path):
    question = sample(1, 0).question
    code, out, _ = ask(question, "--json", tmp_path / "a.json", "--out", tmp_path / "a.png")
    assert code == 0
    assert "warning" not in out
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["model"] == str(built_in)
    assert found["warnings"] == []
    assert found["method"].startswith("CoarseToFine(method=Zoom(), share=67")
    assert (found["tokens"], found["full"]["tokens"]) == (96, 1024)
    assert found["resize"]["tokens"] <= 96
    assert found["seconds"]["looks"] > 0
    model, processor = load(built_in)
    own = default_method(trained_look(built_in))
    wanted = answer(model, processor, Image.fromarray(sample(1, 0).image), question, method=own, budget=96)
    plan = ps.Plan.from_json(json.dumps(found["plan"]))
    assert plan == wanted.plan
    near(found["entropy"], wanted.entropy, "transform", dtype=torch.float32)
    attended = answer(model, processor, Image.fromarray(sample(1, 0).image), question, method=UNTRAINED, budget=96)
    assert plan != attended.plan
    with Image.open(tmp_path / "a.png") as drawn:
        assert min(drawn.size) > 500


def test_a_folder_with_a_look_is_looked_through_by_it(ask, built_in, tmp_path):
    words = ["--no-full", "--method", "CoarseToFine(method=Zoom(), share=67)", "--json"]
    assert ask("is there a red star", *words, tmp_path / "a.json")[0] == 0
    assert ask("is there a red star?", *words, tmp_path / "b.json", "--model", built_in)[0] == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert one["plan"] == two["plan"]
    assert one["answer"] == two["answer"]


def test_words_that_it_does_not_know_are_refused(ask, tmp_path):
    code, out, err = ask("what colour is the sky?", "--json", tmp_path / "a.json")
    assert (code, out) == (2, "")
    assert "got colour (did you mean color?), sky; ask as in number: what number is on the red circle?" in err
    assert not (tmp_path / "a.json").exists()


def test_what_is_not_of_its_world_gets_an_answer_with_a_warning(ask, tmp_path):
    Image.radial_gradient("L").resize((300, 200)).convert("RGB").save(tmp_path / "other.png")
    words = ["--no-full", "--json", tmp_path / "a.json"]
    code, out, _ = ask("what color is the object?", *words, image=tmp_path / "other.png")
    assert code == 0
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["entropy"] > 0
    assert len(found["warnings"]) == 2
    for warning in found["warnings"]:
        assert f"warning: {warning}" in out
    assert "knows only its own scenes (its scenes have 512x512 px, this picture has 300x200)" in out


def test_another_model_gets_no_warning_and_keeps_its_default(look, folder, tmp_path):
    assert look("-b", 9, "--model", folder, "--no-full", "--max-new-tokens", 1, "--json", tmp_path / "a.json")[0] == 0
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["warnings"] == []
    assert found["method"] == repr(UNTRAINED)
