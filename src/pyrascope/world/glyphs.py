"""Bitmaps that scenes are drawn from, each made once: masks of shapes, and digits in the DejaVu types."""

import functools
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Mask = NDArray[np.float32]
"""Coverage in [0, 1], (h, w, 1)."""
FONTS = ("DejaVuSans-Bold.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSerif-Bold.ttf")
OVERSAMPLING = 4
PLATE = 0.6
"""Height of a plate in its width."""
TABLE = 0.75
"""Height of a table in its width."""
PERIOD = 8
"""Of the stripes of a grating, in pixels."""


def _drawn(width: int, height: int, draw: "Draw") -> Mask:
    image = Image.new("L", (OVERSAMPLING * width, OVERSAMPLING * height))
    draw(ImageDraw.Draw(image), OVERSAMPLING * width, OVERSAMPLING * height)
    return _coverage(image.resize((width, height), Image.Resampling.BOX))


def _coverage(image: Image.Image) -> Mask:
    return np.asarray(image, np.float32)[..., None] / np.float32(255)


class Draw:
    """How one shape is drawn: called with the canvas, its width and its height."""

    def __init__(self, shape: str) -> None:
        self.shape = shape

    def __call__(self, canvas: ImageDraw.ImageDraw, w: int, h: int) -> None:
        """Draws the shape in white, as large as the canvas."""
        if self.shape in ("circle", "grating", "dial"):
            canvas.ellipse((0, 0, w - 1, h - 1), fill=255)
        elif self.shape == "square":
            canvas.rectangle((w * 0.06, h * 0.06, w * 0.94, h * 0.94), fill=255)
        elif self.shape == "table":
            canvas.rectangle((0, 0, w - 1, h - 1), fill=255)
            line = round(w * 0.02)
            canvas.rectangle((w / 2 - line, h * 0.06, w / 2 + line, h * 0.94), fill=0)
            canvas.rectangle((w * 0.06, h / 2 - line, w * 0.94, h / 2 + line), fill=0)
        elif self.shape == "plate":
            canvas.rounded_rectangle((0, 0, w - 1, h - 1), h * 0.22, fill=255)
            canvas.ellipse((w * 0.04, h * 0.42, w * 0.04 + h * 0.16, h * 0.58), fill=0)
        elif self.shape == "cross":
            canvas.rectangle((w * 0.28, 0, w * 0.72, h), fill=255)
            canvas.rectangle((0, h * 0.28, w, h * 0.72), fill=255)
        else:
            canvas.polygon([(w * x, h * y) for x, y in _corners(self.shape)], fill=255)


def _corners(shape: str) -> list[tuple[float, float]]:
    if shape == "triangle":
        return [(0.5, 0), (1, 1), (0, 1)]
    if shape == "diamond":
        return [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)]
    spikes = [(0.5 if k % 2 == 0 else 0.25, -math.pi / 2 + k * math.pi / 5) for k in range(10)]
    return [(0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)) for radius, angle in spikes]


HEIGHTS = {"plate": PLATE, "table": TABLE}
"""Heights in widths, of shapes that are not as high as wide."""


@functools.cache
def shape_mask(shape: str, size: int) -> Mask:
    """Returns the mask of a shape that is `size` pixels wide."""
    return _drawn(size, round(size * HEIGHTS.get(shape, 1)), Draw(shape))


@functools.cache
def stripes(size: int, lean: int) -> Mask:
    """Returns stripes of period `PERIOD` at `lean` times 45 degrees, counter-clockwise, within a disc."""
    y, x = np.mgrid[:size, :size].astype(np.float32) - (size - 1) / 2
    angle = lean * math.pi / 4
    across = x * math.sin(angle) + y * math.cos(angle)
    wave = np.clip(0.5 + 1.5 * np.sin(2 * math.pi / PERIOD * across), 0, 1)
    found: Mask = (wave[..., None] * shape_mask("circle", size)).astype(np.float32)
    return found


@functools.cache
def hand(size: int, point: int) -> Mask:
    """Returns the hand of a dial that points to `point` times 90 degrees, counter-clockwise from the right."""
    towards_right = Image.new("L", (OVERSAMPLING * size,) * 2)
    s = OVERSAMPLING * size
    canvas = ImageDraw.Draw(towards_right)
    canvas.polygon([(s * 0.9, s * 0.5), (s * 0.5, s * 0.42), (s * 0.5, s * 0.58)], fill=255)
    canvas.ellipse((s * 0.42, s * 0.42, s * 0.58, s * 0.58), fill=255)
    small = towards_right.resize((size, size), Image.Resampling.BOX)
    return np.ascontiguousarray(np.rot90(_coverage(small), point))


@functools.cache
def _font(name: str, points: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), points)


@functools.cache
def text_mask(text: str, font: str, points: int) -> Mask:
    """Returns printed text, cropped to its ink."""
    face = _font(font, points)
    left, top, right, bottom = (round(side) for side in face.getbbox(text))
    image = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(image).text((1 - left, 1 - top), text, font=face, fill=255)
    return _coverage(image)


@functools.cache
def edges(text: str, font: str, points: int) -> tuple[int, ...]:
    """Returns where the characters of `text_mask` begin and the last one ends, in pixels from the mask's left."""
    face = _font(font, points)
    left, _, right, _ = face.getbbox(text)
    inner = (round(face.getlength(text[:i]) - left) + 1 for i in range(1, len(text)))
    return (0, *inner, round(right) - round(left) + 2)
