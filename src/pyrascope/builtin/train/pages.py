"""Pages full of characters, so that every token of a crop has something to read."""

import numpy as np
from numpy.typing import NDArray

from ...world.drawing import Style, empty
from ...world.glyphs import FONTS, text_mask
from ...world.vocabulary import CHARACTERS, COLORS
from ..heads import CLASSES, COLUMNS
from .targets import IGNORED

CHARACTER = COLUMNS["character"]
DIGITS = 0.65
"""Share of digits among the characters."""


def page(random: np.random.Generator, style: Style, cell: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Returns a page (side, side, 3) with rows of characters, and the targets (n, 10) of its cells, of these alone."""
    image = empty(random, style)[0].astype(np.float32)
    color = np.array(list(COLORS.values())[random.integers(len(COLORS))]) + random.normal(0, 12, 3)
    image += np.float32(random.choice((0, 0.5, 0.9, 1))) * (color.astype(np.float32) - image)
    ink = np.float32(np.clip((250 if image.mean() < 120 else 10) + random.normal(0, 12), 0, 255))
    font, points = FONTS[random.integers(len(FONTS))], int(random.choice(style.points))
    count = style.side // cell
    share = np.zeros((count, count))
    shown = np.full((count, count), CLASSES[CHARACTER])
    top = int(random.integers(-6, 10))
    while top < style.side - 8:
        left, gap, tallest = int(random.integers(-6, 12)), int(random.integers(1, 9)), 1
        while left < style.side - 6:
            number = int(random.integers(10) if random.random() < DIGITS else random.integers(10, len(CHARACTERS)))
            mask = text_mask(CHARACTERS[number], font, points)
            height, width = mask.shape[:2]
            y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + height, style.side), min(left + width, style.side)
            if y1 > y0 and x1 > x0:
                part = image[y0:y1, x0:x1]
                part += mask[y0 - top : y1 - top, x0 - left : x1 - left] * (ink - part)
                _mark(share, shown, (y0, x0, y1, x1), cell, number, height * width)
            left, tallest = left + width + gap, max(tallest, height)
        top += tallest + int(random.integers(3, 14))
    shown[share < 0.35] = IGNORED
    shown[share < 0.02] = CLASSES[CHARACTER]
    found = np.full((count * count, len(CLASSES)), IGNORED, np.int64)
    found[:, CHARACTER] = shown.ravel()
    return np.clip(image, 0, 255).astype(np.uint8), found


def _mark(
    share: NDArray[np.float64],
    shown: NDArray[np.int64],
    box: tuple[int, int, int, int],
    cell: int,
    number: int,
    area: int,
) -> None:
    """Notes the character at the cells that show more of it than of any before."""
    y0, x0, y1, x1 = box
    for i in range(y0 // cell, (y1 - 1) // cell + 1):
        for j in range(x0 // cell, (x1 - 1) // cell + 1):
            high = min(y1, (i + 1) * cell) - max(y0, i * cell)
            part = high * (min(x1, (j + 1) * cell) - max(x0, j * cell)) / min(area, cell * cell)
            if part > share[i, j]:
                share[i, j], shown[i, j] = part, number
