"""Scenes say the truth about themselves."""

import json

import numpy as np
import pytest
from PIL import Image

from pyrascope.world.drawing import Style, drawing
from pyrascope.world.questions import FAMILIES, LONGEST, question
from pyrascope.world.scenes import asked, sample, write_scenes
from pyrascope.world.vocabulary import COLORS, LEANS, POINTS, SHAPES, WORDS, encoded, joined, words_of

STYLE = Style(256, 4)


def middle(thing):
    return (thing.box[0] + thing.box[2]) / 2, (thing.box[1] + thing.box[3]) / 2


def named(made, words):
    found = [t for t in made.things if list(COLORS)[t.color] == words[0] and SHAPES[t.shape] == words[1]]
    assert len(found) == 1, "names are unique"
    return found[0]


def beyond(a, b, side):
    (ya, xa), (yb, xb) = middle(a), middle(b)
    return {"left": xa < xb, "right": xa > xb, "above": ya < yb, "below": ya > yb}[side]


def answered(made, words):
    """The answer, worked out from the words of the question alone."""
    words = [word for word in words if word not in ("of", "?")]
    match words:
        case ["what", "number", "is", "on", "the", *name]:
            assert named(made, name).print.text.isdigit()
            return named(made, name).print.text
        case ["what", "word", "is", "on", "the", *name]:
            return named(made, name).print.text.lower()
        case ["what", "number", "is", "top" | "bottom" as row, column, "on", "the", *name]:
            place = {"top": 0, "bottom": 2}[row] + {"left": 0, "right": 1}[column]
            table = named(made, name)
            printed = sorted(table.prints, key=lambda one: (one.box[0] > middle(table)[0], one.box[1]))
            return printed[place].text
        case ["what", "number", "is", side, "the", *name]:
            b = named(made, name)
            (only,) = [t for t in made.things if t is not b and beyond(t, b, side)]
            return only.print.text
        case ["what", "color", "is", "the", "background"]:
            return made.background
        case ["what", "color", "is", "the", shape]:
            (only,) = [t for t in made.things if SHAPES[t.shape] == shape]
            return list(COLORS)[only.color]
        case ["what", "shape", "is", "the", color, "object"]:
            (only,) = [t for t in made.things if list(COLORS)[t.color] == color]
            return SHAPES[only.shape]
        case ["how", "many", "objects", "are", "there"]:
            return str(len(made.things))
        case ["is", "the", c, s, "larger", "than", "the", *name]:
            a, b = (t.box for t in (named(made, (c, s)), named(made, name)))
            larger = (a[2] - a[0]) * (a[3] - a[1]) > (b[2] - b[0]) * (b[3] - b[1])
            return "yes" if larger else "no"
        case ["is", "the", c, s, side, "the", *name]:
            return "yes" if beyond(named(made, (c, s)), named(made, name), side) else "no"
        case ["is", "there", "a", color, shape]:
            there = any((list(COLORS)[t.color], SHAPES[t.shape]) == (color, shape) for t in made.things)
            return "yes" if there else "no"
        case ["which", "way", "is", "the", *name]:
            return LEANS[named(made, name).turn]
        case ["where", "does", "the", *name, "point"]:
            return POINTS[named(made, name).turn]
    raise AssertionError(words)


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_follow_from_the_words_of_the_question(family):
    random = np.random.default_rng(1)
    for _ in range(30):
        made, found = asked(random, family, STYLE)
        assert joined(found.answer) == answered(made, list(found.words))
        assert len(found.words) <= LONGEST
        assert encoded(found.words + found.answer)


def test_a_seed_gives_the_same_sample_and_others_differ():
    one, same, other = sample(3, 5), sample(3, 5), sample(3, 18)
    np.testing.assert_array_equal(one.image, same.image)
    assert (one.question, one.answer, one.evidence.tolist()) == (same.question, same.answer, same.evidence.tolist())
    assert (one.image != other.image).any()
    assert one.image.shape == (512, 512, 3)
    assert one.image.dtype == np.uint8


def test_families_take_turns():
    assert [sample(0, i, side=256).family for i in range(len(FAMILIES))] == list(FAMILIES)


def test_things_lie_apart_within_the_picture_and_text_on_its_thing():
    random = np.random.default_rng(0)
    for _ in range(40):
        made = drawing(random, STYLE)
        covered = np.zeros(made.image.shape[:2], int)
        for thing in made.things:
            y0, x0, y1, x1 = thing.box
            assert 0 <= y0 < y1 <= 256
            assert 0 <= x0 < x1 <= 256
            covered[y0:y1, x0:x1] += 1
            for one in thing.prints:
                ty, tx = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
                assert list(one.edges) == sorted(one.edges)
                assert (one.edges[0], one.edges[-1]) == (one.box[1], one.box[3])
                assert len(one.edges) == len(one.text) + 1
                assert y0 < ty < y1
                assert x0 < tx < x1
        assert covered.max(initial=0) <= 1


def test_ink_of_a_number_is_in_its_evidence():
    """Black or white ink on the named thing: the evidence holds both its colour and the ink."""
    for number in range(5):
        found = sample(2, len(FAMILIES) * number)
        y0, x0, y1, x1 = found.evidence[0].astype(int)
        part = found.image[y0:y1, x0:x1].astype(int).reshape(-1, 3)
        assert np.ptp(part, axis=0).max() > 60


def test_the_turn_of_stripes_is_the_direction_in_which_they_change_least():
    random = np.random.default_rng(3)
    steps = {"horizontal": (0, 1), "rising": (-1, 1), "vertical": (1, 0), "falling": (1, 1)}
    for _ in range(12):
        made, found = asked(random, "lean", STYLE)
        y0, x0, y1, x1 = found.evidence[0]
        h, w = y1 - y0, x1 - x0
        disc = made.image[y0 + h // 4 : y1 - h // 4, x0 + w // 4 : x1 - w // 4].astype(float).sum(-1)
        change = {}
        for lean, (dy, dx) in steps.items():
            moved = np.roll(disc, (-dy, -dx), (0, 1))[2:-2, 2:-2]
            change[lean] = abs(moved - disc[2:-2, 2:-2]).mean() / np.hypot(dy, dx)
        assert min(change, key=change.get) == found.answer[0]


def test_questions_that_a_drawing_does_not_allow_are_not_asked():
    random = np.random.default_rng(0)
    alone = next(made for made in (drawing(random, Style(256, 1)) for _ in range(99)) if len(made.things) == 1)
    assert question(random, alone, "compare") is None
    assert question(random, alone, "hop") is None


def test_text_goes_to_words_and_back():
    for number in range(22):
        text = sample(9, number, side=256).question
        assert joined(words_of(text)) == text
    assert len(set(WORDS)) == len(WORDS)


def test_unknown_words_are_named():
    with pytest.raises(ValueError, match="got lorry, hurries"):
        encoded(["is", "the", "lorry", "hurries"])


def test_a_folder_is_whole_or_absent(tmp_path, monkeypatch):
    write_scenes(tmp_path / "a", 7, 12)
    lines = [json.loads(line) for line in (tmp_path / "a" / "questions.jsonl").read_text().splitlines()]
    assert [line["image"] for line in lines] == [f"{i:02d}.png" for i in range(12)]
    with Image.open(tmp_path / "a" / "05.png") as opened:
        np.testing.assert_array_equal(np.asarray(opened), sample(7, 5).image)
    assert lines[5]["question"] == sample(7, 5).question
    with pytest.raises(FileExistsError, match="new or empty"):
        write_scenes(tmp_path / "a", 7, 1)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_scenes(tmp_path / "b", 7, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(("family", "side"), [("colour", 512), ("number", 128)])
def test_refusals(family, side):
    with pytest.raises(ValueError, match="must be"):
        sample(0, 0, family, side)
