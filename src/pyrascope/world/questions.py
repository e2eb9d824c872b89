"""Questions about a drawing, with the one right answer and the boxes that one has to look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .drawing import Box, Drawing, Thing
from .vocabulary import COLORS, CORNERS, LEANS, POINTS, SHAPES, SIDES

Random = np.random.Generator


@dataclass(frozen=True)
class Question:
    """A question in words, its answer in words, its family, and its evidence: boxes (y0, x0, y1, x1) in pixels."""

    words: tuple[str, ...]
    answer: tuple[str, ...]
    family: str
    evidence: tuple[Box, ...]


def _number(random: Random, drawing: Drawing) -> Question | None:
    """The number on a thing that is named."""
    return _printed(random, drawing, "number")


def _word(random: Random, drawing: Drawing) -> Question | None:
    """The word on a thing that is named."""
    return _printed(random, drawing, "word")


def _printed(random: Random, drawing: Drawing, kind: str) -> Question | None:
    thing = _any(random, [thing for thing in drawing.things if _kind(thing) == kind])
    if thing is None or thing.print is None:
        return None
    words = ("what", kind, "is", "on", "the", *thing.name, "?")
    return Question(words, _read(thing.print.text), kind, (thing.print.box,))


def _table(random: Random, drawing: Drawing) -> Question | None:
    """The number in a corner of a table that is named."""
    thing = _any(random, [thing for thing in drawing.things if SHAPES[thing.shape] == "table"])
    if thing is None:
        return None
    corner = int(random.integers(len(CORNERS)))
    words = ("what", "number", "is", *CORNERS[corner], "on", "the", *thing.name, "?")
    return Question(words, _read(thing.prints[corner].text), "table", (thing.prints[corner].box,))


def _color(random: Random, drawing: Drawing) -> Question | None:
    """The colour of the only thing of a shape."""
    thing = _any(random, _single(drawing.things, lambda thing: thing.shape))
    if thing is None:
        return None
    color, shape = thing.name
    return Question(("what", "color", "is", "the", shape, "?"), (color,), "color", (thing.box,))


def _shape(random: Random, drawing: Drawing) -> Question | None:
    """The shape of the only thing of a colour."""
    thing = _any(random, _single(drawing.things, lambda thing: thing.color))
    if thing is None:
        return None
    color, shape = thing.name
    return Question(("what", "shape", "is", "the", color, "object", "?"), (shape,), "shape", (thing.box,))


def _count(random: Random, drawing: Drawing) -> Question:
    """How many things there are, at most nine."""
    boxes = tuple(thing.box for thing in drawing.things)
    return Question(("how", "many", "objects", "are", "there", "?"), (str(len(boxes)),), "count", boxes)


def _compare(random: Random, drawing: Drawing) -> Question | None:
    """Which of two things is larger, where their areas differ by half or more."""
    pair = _pair(random, drawing.things, lambda a, b: max(_area(a), _area(b)) >= 1.5 * min(_area(a), _area(b)))
    if pair is None:
        return None
    a, b = pair
    words = ("is", "the", *a.name, "larger", "than", "the", *b.name, "?")
    return Question(words, ("yes" if _area(a) > _area(b) else "no",), "compare", (a.box, b.box))


def _side(random: Random, drawing: Drawing) -> Question | None:
    """Whether a thing is left or right of another, above or below it."""
    side = SIDES[random.integers(4)]
    pair = _pair(random, drawing.things, lambda a, b: abs(_beyond(a, b, side)) >= 24)
    if pair is None:
        return None
    a, b = pair
    words = ("is", "the", *a.name, side, *(("of",) if side in ("left", "right") else ()), "the", *b.name, "?")
    return Question(words, ("yes" if _beyond(a, b, side) > 0 else "no",), "side", (a.box, b.box))


def _presence(random: Random, drawing: Drawing) -> Question:
    """Whether there is a thing of a colour and shape; half of the time there is."""
    names = [tuple(thing.name) for thing in drawing.things]
    if random.random() < 0.5:
        color, shape = names[random.integers(len(names))]
    else:
        color, shape = list(COLORS)[random.integers(len(COLORS))], SHAPES[random.integers(len(SHAPES))]
    there = (color, shape) in names
    boxes = tuple(thing.box for thing in drawing.things if tuple(thing.name) == (color, shape))
    evidence = boxes or tuple(thing.box for thing in drawing.things)
    return Question(("is", "there", "a", color, shape, "?"), ("yes" if there else "no",), "presence", evidence)


def _lean(random: Random, drawing: Drawing) -> Question | None:
    """How the stripes of a grating lean."""
    thing = _any(random, [thing for thing in drawing.things if SHAPES[thing.shape] == "grating"])
    if thing is None or thing.turn is None:
        return None
    words = ("which", "way", "is", "the", *thing.name, "?")
    return Question(words, (LEANS[thing.turn],), "lean", (thing.box,))


def _dial(random: Random, drawing: Drawing) -> Question | None:
    """Where a dial points."""
    thing = _any(random, [thing for thing in drawing.things if SHAPES[thing.shape] == "dial"])
    if thing is None or thing.turn is None:
        return None
    words = ("where", "does", "the", *thing.name, "point", "?")
    return Question(words, (POINTS[thing.turn],), "dial", (thing.box,))


def _background(random: Random, drawing: Drawing) -> Question | None:
    """The colour of the ground, which a coarse view shows."""
    if drawing.background is None:
        return None
    side = drawing.image.shape[0]
    words = ("what", "color", "is", "the", "background", "?")
    return Question(words, (drawing.background,), "background", ((0, 0, side, side),))


def _hop(random: Random, drawing: Drawing) -> Question | None:
    """The number on the only thing that is left of another (or right, above, below): two steps."""
    found = []
    for b in drawing.things:
        for side in SIDES:
            beyond = [a for a in drawing.things if a is not b and _beyond(a, b, side) > -24]
            if len(beyond) == 1 and _kind(beyond[0]) == "number" and _beyond(beyond[0], b, side) >= 24:
                found.append((beyond[0], side, b))
    if not found:
        return None
    a, side, b = found[random.integers(len(found))]
    of = ("of",) if side in ("left", "right") else ()
    words = ("what", "number", "is", side, *of, "the", *b.name, "?")
    return Question(words, _read(a.prints[0].text), "hop", (a.prints[0].box, b.box))


FAMILIES: dict[str, Callable[[Random, Drawing], Question | None]] = {
    "number": _number, "word": _word, "table": _table, "color": _color, "shape": _shape,
    "count": _count, "compare": _compare, "side": _side,
    "presence": _presence, "lean": _lean, "dial": _dial, "background": _background, "hop": _hop,
}  # fmt: skip
"""Name to the function that asks, or returns None where the drawing does not allow the question."""
LONGEST = 10
"""Words of the longest question."""


def question(random: Random, drawing: Drawing, family: str) -> Question | None:
    """Returns a question of a family about the drawing; None where it has none."""
    return FAMILIES[family](random, drawing)


def _kind(thing: Thing) -> str | None:
    """Whether a number or a word is printed on a thing; None where it is neither, or several."""
    return None if thing.print is None else "number" if thing.print.text.isdigit() else "word"


def _read(text: str) -> tuple[str, ...]:
    """What is printed, in words of the vocabulary: the digits of a number, or the word."""
    return tuple(text) if text.isdigit() else (text.lower(),)


def _any(random: Random, things: Sequence[Thing]) -> Thing | None:
    return things[int(random.integers(len(things)))] if things else None


def _single(things: Sequence[Thing], key: Callable[[Thing], int]) -> list[Thing]:
    """Those whose key no other has."""
    keys = [key(thing) for thing in things]
    return [thing for thing, own in zip(things, keys, strict=True) if keys.count(own) == 1]


def _pair(random: Random, things: Sequence[Thing], fits: Callable[[Thing, Thing], bool]) -> tuple[Thing, Thing] | None:
    """Two things that fit, in random order."""
    pairs = [(a, b) for a in things for b in things if a is not b and fits(a, b)]
    return pairs[int(random.integers(len(pairs)))] if pairs else None


def _area(thing: Thing) -> int:
    return (thing.box[2] - thing.box[0]) * (thing.box[3] - thing.box[1])


def _beyond(a: Thing, b: Thing, side: str) -> float:
    """How far the middle of `a` is on that side of the middle of `b`, in pixels."""
    axis, sign = {"left": (1, -1), "right": (1, 1), "above": (0, -1), "below": (0, 1)}[side]
    return sign * (a.center[axis] - b.center[axis])
