"""Words in pictures: the truth of ICDAR 2015 and SROIE, and how many of them a reader found."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Box = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass(frozen=True)
class Text:
    """A piece of text and the axis-aligned box of its region, in pixels."""

    text: str
    box: Box


def words_in(text: str) -> list[str]:
    """Returns the words of a text in upper case: it is split at whatever is no letter or digit.

    Example:
        >>> words_in("Open 24/7!")
        ['OPEN', '24', '7']
    """
    return re.findall(r"[^\W_]+", text.upper())


def box_of(corners: Sequence[float]) -> Box:
    """Returns the box around x1, y1, x2, y2, ..."""
    return min(corners[0::2]), min(corners[1::2]), max(corners[0::2]), max(corners[1::2])


def load_words(folder: Path, count: int, skip: int = 0) -> dict[str, list[Text]]:
    """Returns the words of `count` images after the first `skip`, by sorted name, of those that have any.

    `folder` is that of ICDAR 2015 (`words.json`: {image: [{quad, text, legible}]}; illegible regions are left out) or
    of SROIE (`annotations.json`: {image: {lines: [{quad, text}]}}); the pictures are in `images/`.
    """
    found = [name for name in ("words.json", "annotations.json") if (folder / name).is_file()]
    if not found or not (folder / "images").is_dir():
        raise FileNotFoundError(
            f"expected words.json or annotations.json, and images/, in {folder}; give such a folder"
        )
    regions: dict[str, Any] = json.loads((folder / found[0]).read_text(encoding="utf-8"))
    truth = {}
    for name, value in sorted(regions.items()):
        lines = value["lines"] if isinstance(value, dict) else [line for line in value if line["legible"]]
        truth[name] = [Text(word, box_of(line["quad"])) for line in lines for word in words_in(line["text"])]
    chosen = [(name, words) for name, words in truth.items() if words][skip : skip + count]
    if not chosen:
        raise ValueError(f"expected an image with words after the first {skip} in {folder}, found none; skip fewer")
    return dict(chosen)


def count_words(truth: Sequence[Text], seen: Sequence[Text]) -> int:
    """Returns how many true words equal a recognised word whose line's box shares an area with theirs.

    Each recognised word serves one true word; the matching is the largest there is (augmenting paths).
    """
    parts = [Text(word, line.box) for line in seen for word in words_in(line.text)]
    options = [[j for j, part in enumerate(parts) if part.text == true.text and _meet(part, true)] for true in truth]
    owner: dict[int, int] = {}

    def place(true: int, tried: set[int]) -> bool:
        for j in options[true]:
            if j not in tried:
                tried.add(j)
                if j not in owner or place(owner[j], tried):
                    owner[j] = true
                    return True
        return False

    return sum(place(true, set()) for true in range(len(truth)))


def count_words_or_glued(truth: Sequence[Text], seen: Sequence[Text]) -> int:
    """Returns how many true words lie within the letters of a recognised line at their place: BEWAREOF has BEWARE.

    Each letter of a line serves one true word; long words choose first.
    """
    letters = ["".join(words_in(line.text)) for line in seen]
    count = 0
    for true in sorted(truth, key=lambda word: -len(word.text)):
        lines = [j for j, line in enumerate(seen) if true.text in letters[j] and _meet(line, true)]
        if lines:
            letters[lines[0]] = letters[lines[0]].replace(true.text, " ", 1)
            count += 1
    return count


def _meet(a: Text, b: Text) -> bool:
    """Whether the boxes of two texts share an area."""
    return max(a.box[0], b.box[0]) < min(a.box[2], b.box[2]) and max(a.box[1], b.box[1]) < min(a.box[3], b.box[3])
