"""Batches of the second stage: drawings in mixed layouts, four questions each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..architecture import CELL, GRID
from ..drawing import Drawing, Style, drawing
from ..questions import LONGEST, Question, question
from ..vocabulary import EOS, IDS
from .layouts import COARSE, Floats, overlay, pixels, priority, tree, uniform
from .targets import IGNORED, overlap, targets

PER_IMAGE = 4
LENGTH = LONGEST + 3
"""Of a question with its answer and the end, in tokens."""
FRAME = CELL * GRID
UNFOCUSED = ("count", "background", "presence")
"""Families whose questions do not say where to look."""
SHARES = {"number": 8, "hop": 3, "lean": 2, "dial": 2, "side": 2, "compare": 2, "count": 1, "presence": 2, "color": 2,
          "shape": 2, "background": 1}  # fmt: skip
"""How often a family is asked, relatively."""
FOCUSED = 0.75
"""Share of layouts that are fine at the first question's evidence."""


@dataclass(frozen=True)
class Layout:
    """One kind of batch: a window of the frame (256) or all of it (512), its tokens, and how many pictures."""

    name: str
    side: int
    pictures: int
    boxes: Callable[[np.random.Generator, int, tuple[tuple[float, ...], ...]], Floats]


def _overlay(extra: int) -> Callable[..., Floats]:
    return lambda random, side, evidence: overlay(random, side, extra, evidence)


def _tree(splits: int) -> Callable[..., Floats]:
    def boxes(random: np.random.Generator, side: int, evidence: tuple[tuple[float, ...], ...]) -> Floats:
        return tree(side, (side // (CELL << COARSE)) ** 2 + 3 * splits, priority(random, side, evidence))

    return boxes


def _uniform(counts: tuple[int, ...], step: int) -> Callable[..., Floats]:
    """All pictures of a batch have the same count, so it follows from the step."""
    return lambda random, side, evidence: uniform(side, counts[step % len(counts)])


def layouts(step: int) -> dict[str, Layout]:
    """Returns the kinds of batches by name."""
    kinds = (
        Layout("window overlay", 256, 32, _overlay(20)),
        Layout("window tree", 256, 32, _tree(8)),
        Layout("window uniform", 256, 24, _uniform((4, 5, 6, 8), step)),
        Layout("window full", 256, 6, _uniform((16,), step)),
        Layout("overlay", 512, 16, _overlay(32)),
        Layout("tree", 512, 16, _tree(11)),
        Layout("uniform", 512, 12, _uniform((7, 8, 9, 10, 12, 14), step)),
        Layout("half", 512, 6, _uniform((16,), step)),
        Layout("full", 512, 2, _uniform((32,), step)),
    )
    return {kind.name: kind for kind in kinds}


def quiz(random: np.random.Generator, layout: Layout, most: int) -> dict[str, Tensor | str | list[list[str]]]:
    """Returns a batch of one kind; `most` things a picture.

    Its tensors: `patches` (b, n, 768), `centers` (b, n, 2), `wanted` (b, n, 6), `text` and `labels` (b, 4, l), `last`
    (b, 4) the place of each question's last token, `look` (b, 4, n) the share of the evidence in each token.
    """
    parts: dict[str, list[Any]] = {name: [] for name in ("patches", "centers", "wanted", "text", "labels")}
    parts |= {"last": [], "look": []}
    families = []
    for _ in range(layout.pictures):
        made, asked = _asked(random, Style(layout.side, most))
        focus = asked[0].evidence[:1] if random.random() < FOCUSED and asked[0].family not in UNFOCUSED else ()
        boxes = layout.boxes(random, layout.side, focus)
        text, labels, last = _texts(asked)
        offset = random.integers(0, (FRAME - layout.side) // 64 + 1, 2) * 64
        centers = ((boxes[:, :2] + boxes[:, 2:]) / 2 + offset) / FRAME
        values = (pixels(random, made.image, boxes), centers.astype(np.float32), targets(boxes, made.things))
        for name, value in zip(parts, (*values, text, labels, last, _look(boxes, asked)), strict=True):
            parts[name].append(value)
        families.append([one.family for one in asked])
    found: dict[str, Tensor | str | list[list[str]]] = {
        name: torch.from_numpy(np.stack(values)) for name, values in parts.items()
    }
    return {**found, "families": families, "layout": layout.name}


def _asked(random: np.random.Generator, style: Style) -> tuple[Drawing, list[Question]]:
    """A drawing and four questions about it."""
    names, shares = list(SHARES), np.array(list(SHARES.values()), float)
    while True:
        made = drawing(random, style)
        if made.things:
            break
    asked: list[Question] = []
    while len(asked) < PER_IMAGE:
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
    area = (boxes[:, 2] - boxes[:, 0]) ** 2
    found = np.zeros((len(asked), len(boxes)), np.float32)
    for i, one in enumerate(asked):
        if one.family not in UNFOCUSED:
            share = overlap(boxes, one.evidence[0]) / area
            found[i] = share / max(float(share.sum()), 1e-6)
    return found
