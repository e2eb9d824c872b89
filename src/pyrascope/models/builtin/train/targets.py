"""What a single token should know: dense targets, from the drawing that it shows a part of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..drawing import Box, Thing
from ..vocabulary import COLORS, LEANS, POINTS, SHAPES

CLASSES = (len(COLORS), len(SHAPES), 10, 10, 10, len(LEANS) + len(POINTS))
"""Of each target: colour and shape of the object at the token's centre, tens and units of the number that the token
shows a part of, the digit under it, the turn of a grating or a dial. One more class each stands for none."""
IGNORED = -100
FINE = 32
"""Largest side of a box, in pixels, that is asked to read."""


def overlap(boxes: NDArray[np.float64], box: Box | Sequence[float]) -> NDArray[np.float64]:
    """Returns the area that each of `boxes` (n, 4) shares with `box`."""
    high = np.minimum(boxes[:, 2], box[2]) - np.maximum(boxes[:, 0], box[0])
    wide = np.minimum(boxes[:, 3], box[3]) - np.maximum(boxes[:, 1], box[1])
    area: NDArray[np.float64] = np.clip(high, 0, None) * np.clip(wide, 0, None)
    return area


def targets(boxes: NDArray[np.float64], things: Sequence[Thing]) -> NDArray[np.int64]:
    """Returns the targets (n, 6) of tokens with these boxes."""
    found = np.tile(np.array(CLASSES, np.int64), (len(boxes), 1))
    side = boxes[:, 2] - boxes[:, 0]
    y, x = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    for thing in things:
        (cy, cx), (y0, x0, y1, x1) = thing.center, thing.box
        inside = (abs(y - cy) < (y1 - y0) * 0.42) & (abs(x - cx) < (x1 - x0) * 0.42)
        found[inside, 0], found[inside, 1] = thing.color, thing.shape
        if thing.turn is not None:
            fine = inside & (side <= FINE)
            found[fine, 5] = thing.turn + (len(LEANS) if SHAPES[thing.shape] == "dial" else 0)
        if thing.number is None or thing.text is None:
            continue
        shows = (overlap(boxes, thing.text) > 60 * side / 16) & (side <= FINE)
        found[shows, 2], found[shows, 3] = divmod(thing.number, 10)
        ty0, tx0, ty1, tx1 = thing.text
        first = overlap(boxes, (ty0, tx0, ty1, (tx0 + tx1) / 2))
        second = overlap(boxes, (ty0, (tx0 + tx1) / 2, ty1, tx1))
        clear = (np.maximum(first, second) > 50 * side / 16) & (side <= FINE)
        found[clear, 4] = np.where(first >= second, thing.number // 10, thing.number % 10)[clear]
    return found
