"""The weights that ship fit the code that runs them; how well they answer is not said here."""

import json
import warnings
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from PIL import Image

from pyrascope.builtin.architecture import configuration
from pyrascope.builtin.asking import ask
from pyrascope.builtin.folder import BUILTIN
from pyrascope.builtin.look import trained_look
from pyrascope.builtin.package import load, processor
from pyrascope.world.vocabulary import joined

SCENES = Path(__file__).parents[2] / "examples" / "scenes"
pytestmark = pytest.mark.skipif(
    not (BUILTIN / "model.safetensors").is_file(),
    reason="no weights here: git checkout src/pyrascope/builtin/weights",
)


def test_configuration_tokenizer_and_look_are_those_of_the_code():
    model, tools = load()
    ours, wanted = model.config.to_dict(), configuration().to_dict()
    for name in ("sized", "unknown_token_id"):
        assert ours.get(name) == wanted[name], "an older export: run pyrascope train --export-only once more"
    for part, names in {
        "text_config": ("vocab_size", "hidden_size", "num_hidden_layers", "rope_parameters"),
        "vision_config": ("hidden_size", "num_hidden_layers", "image_size", "patch_size"),
    }.items():
        assert [ours[part][name] for name in names] == [wanted[part][name] for name in names]
    assert tools.tokenizer.get_vocab() == processor().tokenizer.get_vocab()
    for words in (["4", "2"], ["falling"], ["is", "there", "a", "red", "star", "?"]):
        ids = tools.tokenizer(joined(words))["input_ids"]
        assert tools.tokenizer.decode(ids) == joined(words)
    assert trained_look(BUILTIN).heads.query.in_features == model.config.text_config.hidden_size


def test_shipped_scenes_are_asked_about_without_a_warning():
    lines = [json.loads(line) for line in (SCENES / "questions.jsonl").read_text().splitlines()]
    for line in lines[::6]:
        with Image.open(SCENES / line["image"]) as image, warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            found = ask(image.convert("RGB"), line["question"])
        assert found.tokens == found.plan.tokens == 96
        assert 0 <= found.entropy < 5


def test_a_path_is_read():
    scene = SCENES / "01.png"
    with Image.open(scene) as image:
        answers = [ask(given, "what number is on the red triangle?", budget=96) for given in (scene, str(scene), image)]
    assert len({(answer.text, answer.tokens, answer.entropy) for answer in answers}) == 1
