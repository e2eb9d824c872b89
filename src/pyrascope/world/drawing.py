"""Scenes are drawn: things of one colour and shape, each at its place, most with a small printed number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .glyphs import FONTS, HEIGHTS, edges, hand, shape_mask, stripes, text_mask
from .grounds import PHOTOGRAPHS, SIDE, TEXTURES, color_of, ground
from .vocabulary import COLORS, LEANS, NUMBERED, POINTS, PRINTS, SHAPES

Box = tuple[int, int, int, int]
"""(y0, x0, y1, x1) in pixels, half-open."""
POINTS_OF_TYPE = (20, 23, 26, 30, 36)
"""Sizes of the printed numbers, in points, which here are pixels."""
POINTS_OF_WORDS = 20
POINTS_IN_TABLES = 20
WORDED = ("circle", "square", "cross", "plate")
"""Shapes that may carry a word, where they are at least `WIDE` pixels wide."""
WIDE = 80
GAP = 6
"""Least distance of two things, in pixels."""


@dataclass(frozen=True)
class Print:
    """What is printed: a number of two digits or a word, its box, and where its characters begin and end (x)."""

    text: str
    box: Box
    edges: tuple[int, ...]


@dataclass(frozen=True)
class Thing:
    """One object of a scene.

    Attributes:
        color: Index into `COLORS`.
        shape: Index into `SHAPES`.
        box: Where it is.
        prints: What is printed on it: a number from 10 to 99 or a word, and four numbers in a table (as `CORNERS`).
        turn: How the stripes of a grating lean (index into `LEANS`) or where a dial points (index into `POINTS`).
    """

    color: int
    shape: int
    box: Box
    prints: tuple[Print, ...] = ()
    turn: int | None = None

    @property
    def name(self) -> list[str]:
        """Its colour and its shape, as words."""
        return [list(COLORS)[self.color], SHAPES[self.shape]]

    @property
    def print(self) -> Print | None:
        """What is printed on it, where that is one number or word."""
        return self.prints[0] if len(self.prints) == 1 else None

    @property
    def center(self) -> tuple[float, float]:
        """Row and column of the middle of its box."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture uint8 (side, side, 3), the things on it, and the name of the ground's colour (None: a photograph)."""

    image: NDArray[np.uint8]
    things: tuple[Thing, ...]
    background: str | None


@dataclass(frozen=True)
class Style:
    """What drawings are made of.

    Attributes:
        side: Of the picture, in pixels: at most 512.
        most: Things at most; at least one is drawn.
        sizes: Smallest and largest width of a thing, in pixels.
        points: Sizes of the type.
        photographs: Share of photographs among the grounds.
        numbered: Share of things that carry a number or a word.
        worded: Share of words among them, where a word fits.
    """

    side: int = 512
    most: int = 6
    sizes: tuple[int, int] = (64, 120)
    points: Sequence[int] = POINTS_OF_TYPE
    photographs: float = 0.2
    numbered: float = 0.75
    worded: float = 0.4


def drawing(random: np.random.Generator, style: Style) -> Drawing:
    """Returns a new drawing. No two things share colour and shape, and none touch."""
    image, background = empty(random, style)
    things: list[Thing] = []
    for combination in random.permutation(len(COLORS) * len(NUMBERED))[: random.integers(1, style.most + 1)]:
        color, shape = divmod(int(combination), len(NUMBERED))
        if random.random() > style.numbered:
            shape = int(random.integers(len(NUMBERED), len(SHAPES)))
            if any((thing.color, thing.shape) == (color, shape) for thing in things):
                continue
        box = _place(random, style, shape, things)
        if box is not None:
            things.append(_draw(random, style, image, Thing(color, shape, box)))
    return Drawing(image, tuple(things), background)


def empty(random: np.random.Generator, style: Style) -> tuple[NDArray[np.uint8], str | None]:
    """Returns a piece of ground without things, turned over at random, and the name of its colour."""
    photograph = random.random() < style.photographs
    number = int(TEXTURES + random.integers(len(PHOTOGRAPHS)) if photograph else random.integers(TEXTURES))
    y, x = random.integers(0, SIDE - style.side + 1, 2)
    image = ground(number)[y : y + style.side, x : x + style.side]
    image = image[:: random.choice((-1, 1)), :: random.choice((-1, 1))].copy()
    return image, color_of(number)


def _place(random: np.random.Generator, style: Style, shape: int, things: Sequence[Thing]) -> Box | None:
    """A place that is free, of twenty that are tried."""
    for _ in range(20):
        width = 8 * int(random.integers(style.sizes[0] // 8, style.sizes[1] // 8 + 1))
        width = max(width, 88) if SHAPES[shape] == "table" else width
        height = round(width * HEIGHTS.get(SHAPES[shape], 1))
        y, x = int(random.integers(style.side - height + 1)), int(random.integers(style.side - width + 1))
        box = (y, x, y + height, x + width)
        if all(
            box[2] + GAP < other.box[0]
            or other.box[2] + GAP < box[0]
            or box[3] + GAP < other.box[1]
            or other.box[3] + GAP < box[1]
            for other in things
        ):
            return box
    return None


def _draw(random: np.random.Generator, style: Style, image: NDArray[np.uint8], thing: Thing) -> Thing:
    """Draws a thing and returns it with what is on it."""
    rgb = np.clip(np.array(list(COLORS.values())[thing.color]) + random.normal(0, 9, 3), 0, 255).astype(np.float32)
    ink = np.float32(250 if rgb @ np.array([0.3, 0.59, 0.11], np.float32) < 120 else 10)
    y, x, y1, x1 = thing.box
    shape, width = SHAPES[thing.shape], x1 - x
    _blend(image, shape_mask(shape, width), y, x, rgb)
    if shape == "grating" and list(COLORS)[thing.color] in ("white", "black"):
        ink = np.float32(128)  # black stripes on white are white ones on black
    if shape in ("grating", "dial"):
        turn = int(random.integers(len(LEANS if shape == "grating" else POINTS)))
        _blend(image, stripes(width, turn) if shape == "grating" else hand(width, turn), y, x, ink)
        return Thing(thing.color, thing.shape, thing.box, turn=turn)
    if shape == "table":
        middles = [(y + (y1 - y) * v, x + width * u) for v in (0.26, 0.74) for u in (0.25, 0.75)]
        printed = [_print(random, style, image, at, _number(random), POINTS_IN_TABLES, ink) for at in middles]
        return Thing(thing.color, thing.shape, thing.box, tuple(printed))
    word = shape in WORDED and width >= WIDE and random.random() < style.worded
    text = PRINTS[random.integers(len(PRINTS))].upper() if word else _number(random)
    points = POINTS_OF_WORDS if word else int(random.choice(style.points))
    at = y + (y1 - y) * (0.62 if shape == "triangle" else 0.5), (x + x1) / 2
    return Thing(thing.color, thing.shape, thing.box, (_print(random, style, image, at, text, points, ink),))


def _number(random: np.random.Generator) -> str:
    return str(random.integers(10, 100))


def _print(
    random: np.random.Generator,
    style: Style,
    image: NDArray[np.uint8],
    middle: tuple[float, float],
    text: str,
    points: int,
    ink: np.float32,
) -> Print:
    """Prints a text, its middle within a few pixels of a place."""
    font = FONTS[random.integers(len(FONTS))]
    mask = text_mask(text, font, points)
    height, length = mask.shape[:2]
    y = int(np.clip(middle[0] - height / 2 + random.integers(-2, 3), 0, style.side - height))
    x = int(np.clip(middle[1] - length / 2 + random.integers(-3, 4), 0, style.side - length))
    _blend(image, mask, y, x, ink)
    return Print(text, (y, x, y + height, x + length), tuple(x + edge for edge in edges(text, font, points)))


def _blend(
    image: NDArray[np.uint8], mask: NDArray[np.float32], y: int, x: int, color: NDArray[np.float32] | np.float32
) -> None:
    """Lays a colour over the image where the mask is."""
    part = image[y : y + mask.shape[0], x : x + mask.shape[1]]
    part[...] = part + mask * (color - part) + np.float32(0.5)
