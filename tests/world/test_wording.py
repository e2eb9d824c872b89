"""Which questions the built-in model takes, and how it refuses the others: through every function that asks."""

import numpy as np
import pytest

pytest.importorskip("transformers")

from pyrascope.builtin.package import processor
from pyrascope.methods import Resize
from pyrascope.methods.droppers import FastV
from pyrascope.methods.reducers import ToMe
from pyrascope.models import answer, attach, prepare, probe
from pyrascope.world.drawing import Style, drawing
from pyrascope.world.questions import FAMILIES, question
from pyrascope.world.scenes import sample
from pyrascope.world.vocabulary import IDS, UNKNOWN, joined
from pyrascope.world.wording import EXAMPLES, checked, knows_these_words_alone, question_family
from tiny_builtin import tiny_builtin
from tiny_models import tiny_processor


def test_every_question_of_the_world_is_taken_as_it_is_and_its_family_known():
    random = np.random.default_rng(0)
    asked = 0
    for _ in range(25):
        made = drawing(random, Style())
        for family in FAMILIES:
            found = question(random, made, family) if made.things else None
            if found is not None:
                assert checked(joined(found.words)) == joined(found.words)
                assert question_family(joined(found.words)) == family
                asked += 1
    assert asked > 150


def test_each_family_has_an_example_that_is_one_of_its_questions():
    assert list(EXAMPLES) == list(FAMILIES)
    for family, example in EXAMPLES.items():
        assert question_family(checked(example)) == family


def test_what_passes_has_no_unknown_token():
    tokenizer = processor().tokenizer
    for text in ("WHAT color is the  star", "is there a red cross?", "4 2"):
        assert IDS[UNKNOWN] not in tokenizer(checked(text))["input_ids"]
    assert tokenizer("what colour is the star?")["input_ids"][1] == IDS[UNKNOWN]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("what is the colour of the Sky?", ["colour (did you mean color?)", "sky"]),
        ("is the red star, left?", [["star,", "(did", "you", "mean", "star?)"][0]]),
        ("<unk> <pad> <eos> <image>", ["<unk>", "<pad>", "<eos>", "<image>"]),
        ("a b c d e f g", ["and 2 more"]),
        ("", ["got none"]),
        (" \n", ["got none"]),
    ],
)
def test_other_words_are_named_and_all_families_suggested(text, named):
    with pytest.raises(ValueError, match="must use words that the built-in model knows") as refused:
        checked(text)
    sentence = str(refused.value)
    assert all(word in sentence for word in named)
    assert all(f"{family}: {example}" in sentence for family, example in EXAMPLES.items())
    assert "\n" not in sentence


def test_every_function_that_asks_refuses_them():
    model, tools = tiny_builtin()[0], processor()
    image = sample(1, 0).image
    for unknown in ("what is here?", "who is there?"):
        with pytest.raises(ValueError, match="words that the built-in model knows"):
            answer(model, tools, image, unknown)
        with pytest.raises(ValueError, match="words that the built-in model knows"):
            prepare(model, tools, [image], [f"<image> {unknown}"], budget=9)
        with pytest.raises(ValueError, match="words that the built-in model knows"):
            prepare(model, tools, image, f"<image>{unknown}", budget=9)


def test_where_the_processor_is_called_by_hand_they_are_refused_too():
    model, tools = tiny_builtin()[0], processor()
    inputs = tools(images=sample(1, 0).image, text="<image> what is here?", return_tensors="pt")
    for method in (Resize(), ToMe(), FastV()):
        with (
            attach(model, method, budget=64),
            pytest.raises(ValueError, match="the model knows, got 1 that"),
        ):
            model.generate(**inputs, max_new_tokens=2)
    with pytest.raises(ValueError, match="words that the model knows"):
        probe(model, inputs)
    known = tools(images=sample(1, 0).image, text="<image> is there a red star?", return_tensors="pt")
    with attach(model, ToMe(), budget=64):
        assert model.generate(**known, max_new_tokens=2).shape[1] > 1000


def test_a_missing_question_mark_is_added():
    model, tools = tiny_builtin()[0], processor()
    image = sample(1, 0).image
    found = [answer(model, tools, image, f"is there a red star{end}", max_new_tokens=2) for end in ("", "?", " ?")]
    assert len({one.entropy for one in found}) == 1


def test_other_processors_are_left_alone():
    assert knows_these_words_alone(processor())
    assert not knows_these_words_alone(tiny_processor())
    assert not knows_these_words_alone(None)
    assert not knows_these_words_alone(object())
