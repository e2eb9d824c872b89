"""What a single token should know: dense targets, from the drawing that it shows a part of."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...world.drawing import Box, Thing
from ...world.vocabulary import CHARACTERS, LEANS, PRINTS, SHAPES
from ..heads import CLASSES, COLUMNS, SIZES

IGNORED = -100
FINE = 32
"""Largest side of a box, in pixels, that is asked to read."""


def overlap(boxes: NDArray[np.float64], box: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the area that each of `boxes` (n, 4) shares with `box`."""
    high = np.minimum(boxes[:, 2], box[2]) - np.maximum(boxes[:, 0], box[0])
    wide = np.minimum(boxes[:, 3], box[3]) - np.maximum(boxes[:, 1], box[1])
    area: NDArray[np.float64] = np.clip(high, 0, None) * np.clip(wide, 0, None)
    return area


def size_class(box: Box | Sequence[float]) -> int:
    """Returns the class of a box's area."""
    return int(np.clip(int(2 * math.log2((box[2] - box[0]) * (box[3] - box[1]) / 2000)), 0, SIZES - 1))


def targets(boxes: NDArray[np.float64], things: Sequence[Thing]) -> NDArray[np.int64]:
    """Returns the targets (n, 10) of tokens with these boxes, in the order of `heads.KINDS`."""
    found = np.tile(np.array(CLASSES, np.int64), (len(boxes), 1))
    column = {name: found[:, i] for name, i in COLUMNS.items()}
    side = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    fine = side <= FINE
    y, x = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    for thing in things:
        (cy, cx), (y0, x0, y1, x1) = thing.center, thing.box
        holds = (boxes[:, 0] <= cy) & (cy < boxes[:, 2]) & (boxes[:, 1] <= cx) & (cx < boxes[:, 3])
        inside = holds | (abs(y - cy) < (y1 - y0) * 0.42) & (abs(x - cx) < (x1 - x0) * 0.42)
        column["color"][inside], column["shape"][inside] = thing.color, thing.shape
        column["size"][inside] = size_class(thing.box)
        column["center"][holds] = 0
        within = (y0 <= y) & (y < y1) & (x0 <= x) & (x < x1) & fine
        below, right = boxes[:, 0] >= cy, boxes[:, 1] >= cx
        clear = (below | (boxes[:, 2] <= cy)) & (right | (boxes[:, 3] <= cx))
        column["corner"][within] = np.where(clear, 2 * below + right, IGNORED)[within]
        if thing.turn is not None:
            column["turn"][inside & fine] = thing.turn + (len(LEANS) if SHAPES[thing.shape] == "dial" else 0)
        for one in thing.prints:
            shows = (overlap(boxes, one.box) > 60 * side / 16) & fine
            if one.text.isdigit():
                column["tens"][shows], column["units"][shows] = int(one.text[0]), int(one.text[1])
            else:
                column["word"][shows] = PRINTS.index(one.text.lower())
            top, _, bottom, _ = one.box
            spans = zip(one.edges, one.edges[1:], strict=False)
            parts = np.stack([overlap(boxes, (top, start, bottom, end)) for start, end in spans])
            clear = (parts.max(0) > 50 * side / 16) & fine
            names = np.array([CHARACTERS.index(character) for character in one.text])
            column["character"][clear] = names[parts.argmax(0)][clear]
    return found
