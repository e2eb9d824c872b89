"""Batches of the second stage: drawings in mixed layouts, several questions each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...world.drawing import Drawing, Style, Thing, drawing
from ...world.questions import LONGEST, Question, question
from ...world.vocabulary import COLORS, EOS, IDS, SHAPES
from ..architecture import CELL, GRID
from ..heads import FRAME_SIDE
from .layouts import COARSE, Floats, halves, overlay, pixels, priority, scattered, tree, uniform
from .targets import IGNORED, overlap, size_class, targets

LENGTH = LONGEST + 3
"""Of a question with its answer and the end, in tokens."""
FRAME = CELL * GRID
UNFOCUSED = ("count", "background", "presence")
"""Families whose questions do not say where to look."""
SHARES = {"number": 7, "word": 4, "table": 16, "hop": 8, "lean": 3, "dial": 3, "side": 10, "compare": 3, "count": 6,
          "presence": 2, "color": 2, "shape": 2, "background": 1}  # fmt: skip
"""How often a family is asked, relatively."""
EVEN = {"number": 7, "word": 7, "table": 7, "hop": 6, "lean": 6, "dial": 6, "side": 8, "compare": 4, "count": 6,
        "presence": 3, "color": 6, "shape": 6, "background": 3}  # fmt: skip
"""The same with fewer questions of those that are hard to learn."""
SEEN = ("word", "color", "shape", "lean", "dial")
"""Families whose answer all of the evidence shows."""
SINK = 4
"""Shares of attention that a count gives to nothing, beside one for each thing."""
FOCUSED = 0.75
"""Share of layouts that are fine at the evidence of the first question, or of the first two."""

Boxes = tuple[tuple[float, ...], ...]
MIXES = ((8, 32), (8, 32), (8, 32), (7, 47), (6, 28), (5, 23), (8, 64), (8, 16), (10, 60))
"""Coarse cells along a side, and finest cells over them."""


@dataclass(frozen=True)
class BatchKind:
    """One kind of batch: a window of the frame or all of it (512), how many pictures, questions each, its tokens.

    `boxes` is called with a source of chance, the side, the evidence to be shown finely, and all things' boxes.
    """

    name: str
    side: int
    pictures: int
    questions: int
    boxes: Callable[[np.random.Generator, int, Boxes, Boxes], Floats]


def _overlay(coarse: int | None, extra: int) -> Callable[..., Floats]:
    return lambda random, side, evidence, things: overlay(random, side, extra, evidence, coarse)


def _tree(splits: int) -> Callable[..., Floats]:
    def boxes(random: np.random.Generator, side: int, evidence: Boxes, things: Boxes) -> Floats:
        tokens = (side // (CELL << COARSE)) ** 2 + 3 * splits
        heights = priority(random, side, evidence)
        return tree(side, tokens, heights) if random.random() < 0.5 else halves(random, side, tokens, heights)

    return boxes


def _uniform(counts: tuple[int, ...], step: int) -> Callable[..., Floats]:
    """All pictures of a batch have the same count, so it follows from the step."""
    return lambda random, side, evidence, things: uniform(side, counts[step % len(counts)])


def layouts(step: int) -> dict[str, BatchKind]:
    """Returns the kinds of batches by name."""
    kinds = (
        BatchKind("window overlay", 256, 40, 4, _overlay(None, 20)),
        BatchKind("window tree", 256, 40, 4, _tree(8)),
        BatchKind("window uniform", 256, 32, 4, _uniform((4, 5, 6, 8), step)),
        BatchKind("window full", 256, 8, 6, _uniform((16,), step)),
        BatchKind("pane", 128, 40, 4, _uniform((8,), step)),
        BatchKind("overlay", 512, 24, 5, _overlay(*MIXES[step % len(MIXES)])),
        BatchKind("tree", 512, 24, 5, _tree((11, 11, 5, 21, 32)[step % 5])),
        BatchKind("uniform", 512, 20, 5, _uniform((7, 8, 9, 10, 12, 14), step)),
        BatchKind("half", 512, 8, 6, _uniform((16,), step)),
        BatchKind("scattered", 512, 8, 6, lambda random, side, evidence, things: scattered(random, side, 256, things)),
        BatchKind("full", 512, 3, 12, _uniform((32,), step)),
    )
    return {kind.name: kind for kind in kinds}


def quiz(
    random: np.random.Generator, layout: BatchKind, most: int, families: Mapping[str, float] = SHARES
) -> dict[str, Tensor | str | list[list[str]]]:
    """Returns a batch of one kind; `most` things a picture, and `families` asked so often.

    Its tensors: `patches` (b, n, 768), `centers` (b, n, 2), `wanted` (b, n, 10), `text` and `labels` (b, q, l), `last`
    (b, q) the place of each question's last token, `look` (b, q, n) the share of the evidence in each token, `read`
    (b, q, 2, n + 1) what the first and the second word of an answer are read from, `named` (b, q, 2) the places
    of the words that name a thing, `meant` (b, q, 2, n + 1) where these things are, and `spots` (b, q, 2, 3) their
    rows, columns and sizes.
    """
    names = ("patches", "centers", "wanted", "text", "labels", "last", "look", "read", "named", "meant", "spots")
    parts: dict[str, list[Any]] = {name: [] for name in names}
    asked_of = []
    for _ in range(layout.pictures):
        made, asked = _asked(random, Style(layout.side, most), layout.questions, families)
        things = tuple(thing.box for thing in made.things)
        boxes = layout.boxes(random, layout.side, _focus(random, asked), things)
        offset = random.integers(0, (FRAME - layout.side) // 64 + 1, 2) * 64
        centers = ((boxes[:, :2] + boxes[:, 2:]) / 2 + offset) / FRAME
        values = (pixels(random, made.image, boxes), centers.astype(np.float32), targets(boxes, made.things))
        aims = (_look(boxes, asked), read_from(boxes, asked, made.things))
        everything = (*values, *_texts(asked), *aims, *mentions(boxes, asked, made.things, offset))
        for name, value in zip(names, everything, strict=True):
            parts[name].append(value)
        asked_of.append([one.family for one in asked])
    found: dict[str, Tensor | str | list[list[str]]] = {
        name: torch.from_numpy(np.stack(values)) for name, values in parts.items()
    }
    return {**found, "families": asked_of, "layout": layout.name}


def _focus(random: np.random.Generator, asked: list[Question]) -> Boxes:
    """What is to be shown finely: the first evidence of the first question, of the second too, or nothing."""
    if random.random() > FOCUSED:
        return ()
    count = 1 + int(random.random() < 0.4)
    return tuple(one.evidence[0] for one in asked[:count] if one.family not in UNFOCUSED)


def _asked(
    random: np.random.Generator, style: Style, count: int, families: Mapping[str, float]
) -> tuple[Drawing, list[Question]]:
    """A drawing and questions about it."""
    names, shares = list(families), np.array(list(families.values()), float)
    while True:
        made = drawing(random, style)
        if made.things:
            break
    asked: list[Question] = []
    while len(asked) < count:
        found = question(random, made, names[random.choice(len(names), p=shares / shares.sum())])
        if found is not None:
            asked.append(found)
    return made, asked


def _texts(asked: list[Question]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Token ids, labels (those of the next token, in answers alone), and the place of each question's last word."""
    text = np.zeros((len(asked), LENGTH), np.int64)
    labels = np.full((len(asked), LENGTH), IGNORED, np.int64)
    last = np.zeros(len(asked), np.int64)
    for i, one in enumerate(asked):
        ids = [IDS[word] for word in (*one.words, *one.answer, EOS)]
        text[i, : len(ids)] = ids
        last[i] = len(one.words) - 1
        labels[i, last[i] : len(ids) - 1] = ids[last[i] + 1 :]
    return text, labels, last


def _look(boxes: Floats, asked: list[Question]) -> np.ndarray:
    """Where each question should look: the share of each token covered by its first evidence, summing to 1; or none."""
    found = np.zeros((len(asked), len(boxes)), np.float32)
    for i, one in enumerate(asked):
        if one.family not in UNFOCUSED or (one.family == "presence" and one.answer == ("yes",)):
            found[i] = _covered(boxes, one.evidence[0])
    return found


def read_from(boxes: Floats, asked: list[Question], things: Sequence[Thing]) -> np.ndarray:
    """Returns where each word of an answer is read.

    Of a number the half of each digit, of a word or a property all that shows it; of a count the middles of all things,
    and `SINK` times one of these shares the word that asks, so that how much attention the things get together says how
    many they are.

    Returns:
        Shares (q, 2, n + 1) for the first and the second word of each answer: of the tokens and, last, of the word that
        asks itself. They sum to 1, or to 0 where nothing is read or not all is shown.
    """
    found = np.zeros((len(asked), 2, len(boxes) + 1), np.float32)
    near = np.array([-CELL, -CELL, CELL, CELL])  # to a middle: one area, however large the thing is
    middles = np.array([_covered(boxes, np.tile(thing.center, 2) + near) for thing in things])
    for i, one in enumerate(asked):
        y0, x0, y1, x1 = one.evidence[0]
        if len(one.answer) == 2:
            middle = (x0 + x1) / 2
            found[i, :, :-1] = [_covered(boxes, part) for part in ((y0, x0, y1, middle), (y0, middle, y1, x1))]
        elif one.family in SEEN:
            found[i, 0, :-1] = _covered(boxes, one.evidence[0])
        elif one.family == "count" and middles.sum() > len(things) - 0.5:
            found[i, 0] = np.append(middles.sum(0), SINK) / (len(things) + SINK)
    return found


def _covered(boxes: Floats, box: Sequence[float] | Floats) -> np.ndarray:
    """The share of each token that a box covers, summing to 1; 0 where no token shows it."""
    share = overlap(boxes, box) / ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    found: np.ndarray = (share / max(float(share.sum()), 1e-6)).astype(np.float32)
    return found


def mentions(
    boxes: Floats, asked: list[Question], things: Sequence[Thing], offset: Sequence[int] | NDArray[np.int64] = (0, 0)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each question names a thing, at most twice, and where that thing is.

    Returns:
        The places (q, 2) of the last word of each name, and how much of the thing each token shows (q, 2, n + 1), which
        sums to 1: in the last column where there is no such thing, and 0 where nothing is named; its row and column
        among `FRAME_SIDE` of the frame, where the picture is offset by so many pixels, and its size (q, 2, 3).
    """
    places = np.zeros((len(asked), 2), np.int64)
    shown = np.zeros((len(asked), 2, len(boxes) + 1), np.float32)
    spots = np.full((len(asked), 2, 3), IGNORED)
    for i, one in enumerate(asked):
        ends = [k for k, word in enumerate(one.words) if word in SHAPES or word == "object"]
        for j, k in enumerate(ends):
            name = [word for word in one.words[k - 1 : k + 1] if word in COLORS or word in SHAPES]
            meant = [thing for thing in things if set(name) <= set(thing.name)]
            places[i, j] = k
            if meant:
                shown[i, j, :-1] = _covered(boxes, meant[0].box)
                middle = np.array(meant[0].center) + offset
                spots[i, j] = (*(middle * FRAME_SIDE / FRAME).astype(int), size_class(meant[0].box))
            else:
                shown[i, j, -1] = 1
    return places, shown, spots
