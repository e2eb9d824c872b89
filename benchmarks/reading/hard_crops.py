"""Labels of difficulty, measured: which share of the words that a real reader finds in a crop does a small view lose?

A crop is a square of a photograph of ICDAR 2015, of a receipt of SROIE, or of a Kodak photograph on which words of the
project's licence were printed (DejaVu Sans, which matplotlib brings). The reader reads it twice: as it is, and as
`TOKENS` tokens of a plain resize show it. Its label is the share of the words that it found the first time and no more
the second, 0 to 1. Crops in which it finds nothing say nothing and are left out. Words count within glued lines too.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

import pyrascope as ps
from reader import Pixels, Reader, pixels_of
from words import Text, count_words_or_glued, load_words, words_in

TOKENS, CELL = 64, 16
"""The small view: 64 tokens of 16 px, 128 px a side."""
SIDES = (192, 272, 384, 512)
EDGE = 3  # a crop shows a word if it lies this far inside, in pixels


@dataclass(frozen=True)
class Labelled:
    """A crop (3, side, side) in [0, 1] of the picture `source`, its words, and which share of them is lost."""

    image: Tensor
    source: str
    found: int
    lost: float


def measured(
    pictures: Iterator[tuple[str, Pixels, list[Text]]], reader: Reader, crops: int, generator: Generator
) -> Iterator[Labelled]:
    """Yields up to `crops` labelled crops of each picture, each around one of its words."""
    for source, pixels, words in pictures:
        for _ in range(crops):
            y, x, side = _around(words, pixels.shape[:2], generator)
            crop = pixels[y : y + side, x : x + side]
            label = _label(crop, _inside(words, y, x, side), reader)
            if label:
                image = torch.from_numpy(crop.transpose(2, 0, 1).copy()).float() / 255
                yield Labelled(image, source, *label)


def photographs(folder: Path, skip: int, count: int) -> Iterator[tuple[str, Pixels, list[Text]]]:
    """Yields name, picture and words of ICDAR 2015 or SROIE."""
    for name, words in load_words(folder, count, skip).items():
        yield f"{folder.name}/{name}", np.asarray(Image.open(folder / "images" / name).convert("RGB")), words


def printed(file: Path, copies: int, generator: Generator) -> Iterator[tuple[str, Pixels, list[Text]]]:
    """Yields a photograph with words printed on it, `copies` times with other words."""
    licence = (Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8")
    vocabulary = [word for word in words_in(licence) if len(word) > 2]
    photo = Image.open(file).convert("RGB")
    for _ in range(copies):
        picture = photo.copy()
        words = _print_words(picture, vocabulary, generator)
        yield f"printed/{file.name}", np.asarray(picture), words


def _print_words(picture: Image.Image, vocabulary: Sequence[str], generator: Generator) -> list[Text]:
    """Prints words of 7 to 60 px where there is room, in colours that differ from what is under them."""
    draw = ImageDraw.Draw(picture)
    font_file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    typical = 8 * (60 / 8) ** float(_uniform(generator))  # the words of one picture are of similar size
    placed: list[Text] = []
    for _ in range(60):
        text = vocabulary[_whole(generator, len(vocabulary))]
        text = (text, text.lower(), text.capitalize())[_whole(generator, 3)]
        font = ImageFont.truetype(str(font_file), max(7, round(typical * (0.7 + 0.6 * float(_uniform(generator))))))
        left, top, right, bottom = draw.textbbox((0, 0), text, font)
        if right >= picture.width or bottom >= picture.height:
            continue
        x, y = _whole(generator, picture.width - int(right)), _whole(generator, picture.height - int(bottom))
        box = (x + left - 4, y + top - 4, x + right + 4, y + bottom + 4)
        if any(
            max(box[0], p.box[0]) < min(box[2], p.box[2]) and max(box[1], p.box[1]) < min(box[3], p.box[3])
            for p in placed
        ):
            continue
        under = np.asarray(picture)[y : y + int(bottom), x : x + int(right)].mean()
        shade = int(under) + (1 if under < 128 else -1) * (60 + _whole(generator, 68))
        colour = tuple(int(min(255, max(0, shade + _whole(generator, 61) - 30))) for _ in range(3))
        draw.text((x, y), text, colour, font)
        placed.append(Text(words_in(text)[0], box))
    return placed


def _around(words: Sequence[Text], size: tuple[int, ...], generator: Generator) -> tuple[int, int, int]:
    """Corner and side of a crop that shows one of the words at a place of its own."""
    side = min(SIDES[_whole(generator, len(SIDES))], *size)
    box = words[_whole(generator, len(words))].box
    corner = []
    for low, high, most in ((box[1], box[3], size[0] - side), (box[0], box[2], size[1] - side)):
        free = max(side - (high - low) - 2 * EDGE, 0)
        corner.append(int(min(max(low - EDGE - free * float(_uniform(generator)), 0), most)))
    return corner[0], corner[1], side


def _inside(words: Sequence[Text], y: int, x: int, side: int) -> list[Text]:
    """The words that lie within a crop, in its coordinates."""
    moved = [Text(w.text, (w.box[0] - x, w.box[1] - y, w.box[2] - x, w.box[3] - y)) for w in words]
    return [w for w in moved if min(w.box[:2]) >= 0 and max(w.box[2:]) <= side]


def _label(crop: Pixels, words: Sequence[Text], reader: Reader) -> tuple[int, float] | None:
    """How many words are found in the crop, and which share of them a small view loses; None if none is found."""
    found = count_words_or_glued(words, reader.lines(crop)) if words else 0
    if not found:
        return None
    image = torch.from_numpy(crop.transpose(2, 0, 1).copy()).float() / 255
    plan = ps.plan(
        image, min(TOKENS, math.prod(ps.allocation.plan.grid_of(crop.shape[:2], CELL))), ps.methods.Resize(), CELL
    )
    small = count_words_or_glued(words, reader.lines(pixels_of(ps.render(plan, ps.gather(image, plan)))))
    return found, max(found - small, 0) / found


def _uniform(generator: Generator) -> Tensor:
    return torch.rand((), generator=generator, dtype=torch.float64)


def _whole(generator: Generator, below: int) -> int:
    return int(torch.randint(max(below, 1), (), generator=generator))
