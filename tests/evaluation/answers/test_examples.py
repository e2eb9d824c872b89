"""What is asked: the same scenes as the command writes, and files that are read or refused by line."""

import json

import numpy as np
import pytest
from PIL import Image

from pyrascope.evaluation.answers.evidence import heat, ninths, place_of
from pyrascope.evaluation.answers.examples import Example, questions, scenes
from pyrascope.world.questions import FAMILIES
from pyrascope.world.scenes import sample
from tolerances import near


def test_scenes_are_those_of_the_seed_in_turn():
    names = list(FAMILIES)
    found = list(scenes(5, 2, [names[1], names[3]]))
    assert [one.family for one in found] == [names[1], names[3]] * 2
    for one, number in zip(found, (1, 3, 1 + len(names), 3 + len(names)), strict=True):
        wanted = sample(5, number)
        np.testing.assert_array_equal(one.picture(), wanted.image)
        assert (one.question, one.answers) == (wanted.question, (wanted.answer,))
        np.testing.assert_array_equal(one.evidence, wanted.evidence)
    assert sum(1 for _ in zip(scenes(5, 1), range(99), strict=False)) == len(names)


def test_refused_scenes():
    with pytest.raises(ValueError, match="family must be one of"):
        scenes(1, 1, ["nothing"])
    with pytest.raises(ValueError, match="samples must be"):
        scenes(1, 0)


@pytest.mark.parametrize(
    ("answer", "right"), [("42", True), (" 42. ", True), ("4 2", False), ("", False), ("TOP  left", True)]
)
def test_what_counts_as_right(answer, right):
    assert Example(np.zeros((1, 1, 3), np.uint8), "?", ("42", "top left")).right(answer) is right


def written(folder, *lines):
    Image.fromarray(np.full((4, 6, 3), 200, np.uint8)).save(folder / "a.png")
    path = folder / "data.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


GOOD = {"image": "a.png", "question": "what?", "answer": "yes"}


def test_a_file_is_read(tmp_path):
    full = {"image": "a.png", "question": "who?", "answers": ["a", "b"], "family": "f", "evidence": [[0, 1, 2, 3]]}
    plain, told = questions(written(tmp_path, GOOD, "", full))
    assert (plain.answers, plain.family, plain.evidence) == (("yes",), "all", None)
    assert (told.answers, told.family, told.evidence) == (("a", "b"), "f", ((0, 1, 2, 3),))
    np.testing.assert_array_equal(plain.picture(), np.full((4, 6, 3), 200))
    assert [one.question for one in questions(tmp_path / "data.jsonl", ["f"])] == ["who?"]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("{", "line 2 of .* must be a JSON object"),
        ("[1]", "line 2 of .* must be a JSON object"),
        (GOOD | {"image": 3}, "line 2 of .* must have a text as 'image', got 3"),
        (GOOD | {"question": " "}, "line 2 of .* 'question'"),
        (GOOD | {"answers": []}, "line 2 of .* 'answer', or several as 'answers'"),
        ({"image": "a.png", "question": "q"}, "line 2 of .* 'answer'"),
        (GOOD | {"family": 1}, "line 2 of .* 'family', or none"),
        (GOOD | {"evidence": [1, 2, 3, 4]}, "line 2 of .* boxes"),
        (GOOD | {"evidence": [[1, 2, 1, 4]]}, "line 2 of .* boxes"),
        (GOOD | {"evidence": []}, "line 2 of .* boxes"),
        (GOOD | {"image": "b.png"}, "line 2 of .* must name an image file"),
    ],
    ids=str,
)
def test_a_bad_line_is_refused_by_its_number(tmp_path, line, match):
    with pytest.raises((ValueError, FileNotFoundError), match=match) as found:
        questions(written(tmp_path, GOOD, line))
    assert "\n" not in str(found.value)


def test_no_examples_are_refused(tmp_path):
    with pytest.raises(ValueError, match="those of all in"):
        questions(written(tmp_path, GOOD), ["other"])


def test_heat_against_pixels():
    boxes, size, cell = [(3, 5, 17, 30), (0, 0, 4, 4), (30, 30, 50, 50)], (40, 44), 8
    pixels = np.zeros(size)
    for y0, x0, y1, x1 in boxes:
        pixels[y0:y1, x0:x1] += 1 / ((y1 - y0) * (x1 - x0))
    padded = np.zeros((40, 48))
    padded[:40, :44] = pixels
    padded[30:40, 44:48] += 1 / 400  # the part of the last cells that lies beyond the border counts with them
    near(heat(boxes, size, cell), padded.reshape(5, 8, 6, 8).sum((1, 3)), "step")


def test_places():
    assert [place_of([(y, x, y + 2, x + 2)], (30, 60)) for y in (0, 14, 28) for x in (0, 29, 58)] == list(range(9))
    assert place_of(None, (9, 9)) is None
    assert place_of([(0, 0, 1, 1), (5, 5, 6, 6)], (9, 9)) is None
    assert place_of([(0, 0, 3, 3)], (9, 9)) == 0
    assert place_of([(0, 0, 3, 4)], (9, 9)) is None


def test_ninths_against_pixels():
    import pyrascope as ps

    image = np.random.default_rng(0).random((36, 45, 3))
    plan = ps.plan(image, 11, ps.methods.CoarseToFine(detector=lambda view: view.std(0)), cell=9)
    density = np.zeros((36, 45))
    for y0, x0, y1, x1 in plan.boxes.astype(int):
        density[y0:y1, x0:x1] += 1 / ((y1 - y0) * (x1 - x0))
    near(ninths(plan), density.reshape(3, 12, 3, 15).sum((1, 3)).ravel() / 11)
