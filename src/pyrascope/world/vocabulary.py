"""The words that the built-in model knows, and the things that its scenes show."""

from collections.abc import Sequence

COLORS = {
    "red": (205, 40, 40), "green": (40, 160, 60), "blue": (45, 80, 205), "yellow": (225, 205, 50),
    "purple": (140, 60, 170), "orange": (235, 130, 30), "white": (235, 235, 235), "black": (25, 25, 25),
}  # fmt: skip
"""Colours of objects, RGB."""
GROUNDS = {
    "red": (168, 98, 98), "green": (98, 156, 104), "blue": (96, 116, 176), "yellow": (176, 166, 96),
    "gray": (134, 134, 134),
}  # fmt: skip
"""Colours of the ground, RGB: duller than those of objects."""
NUMBERED = ("circle", "square", "triangle", "diamond", "star", "cross", "plate")
"""Shapes that carry a number; a plate is a price tag, wider than high."""
SHAPES = (*NUMBERED, "grating", "dial", "table")
PRINTS = ("exit", "sale", "east", "west", "taxi", "list", "wait", "tile")
"""Words that are printed on things, in capitals."""
CHARACTERS = "0123456789EXITSALW"
"""All that is printed."""
LEANS = ("horizontal", "rising", "vertical", "falling")
"""Of the stripes of a grating: at 0, 45, 90 and 135 degrees, counter-clockwise."""
POINTS = ("right", "up", "left", "down")
"""Of the hand of a dial, counter-clockwise."""
SIDES = ("left", "right", "above", "below")
CORNERS = (("top", "left"), ("top", "right"), ("bottom", "left"), ("bottom", "right"))
"""Of a table, which has a number in each."""

PAD, EOS, IMAGE, UNKNOWN = "<pad>", "<eos>", "<image>", "<unk>"
WORDS = (
    PAD, EOS, IMAGE, UNKNOWN, *"0123456789", *COLORS, "gray", *SHAPES, *LEANS, *POINTS, "above", "below",
    "top", "bottom", *PRINTS, "what", "number", "word", "is", "on", "the", "color", "shape", "how", "many", "objects",
    "are", "there", "a", "of", "which", "way", "does", "point", "larger", "than", "background", "yes", "no", "object",
    "where", "?",
)  # fmt: skip
IDS = {word: i for i, word in enumerate(WORDS)}
"""Words to token ids."""


def encoded(words: Sequence[str]) -> list[int]:
    """Returns the token ids of words.

    Raises:
        ValueError: words that are not in the vocabulary, all of them named.
    """
    unknown = [word for word in words if word not in IDS]
    if unknown:
        raise ValueError(f"the question must use words that the built-in model knows, got {', '.join(unknown)}")
    return [IDS[word] for word in words]


def words_of(text: str) -> list[str]:
    """Splits a question or an answer as the tokenizer does: lower case, digits and the question mark alone.

    >>> words_of("What number is on the red circle? 42")
    ['what', 'number', 'is', 'on', 'the', 'red', 'circle', '?', '4', '2']
    """
    spaced = "".join(f" {sign} " if sign == "?" or sign.isdigit() else sign for sign in text.lower())
    return spaced.split()


def joined(words: Sequence[str]) -> str:
    """Puts words together as text: digits of a number without space, no space before the question mark.

    >>> joined(["on", "the", "red", "circle", "?"]), joined(["4", "2"])
    ('on the red circle?', '42')
    """
    text = ""
    for before, word in zip(["", *words], words, strict=False):
        text += word if not text or word == "?" or (word.isdigit() and before.isdigit()) else f" {word}"
    return text
