"""What a model is asked: pictures with a question and its right answers, of the built-in world or from a file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._check import one_of, shorten, whole_number
from ..._files import open_to_read
from ...io import read_image
from ...world.questions import FAMILIES
from ...world.scenes import sample

OTHER = "all"
"""The family of questions that name none."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Example:
    """A picture, a question about it, and what counts as right.

    Attributes:
        image: uint8 (h, w, 3), or the file that holds it.
        question: In words.
        answers: Those that are right, at least one; the first stands for them.
        family: Of questions that are alike.
        evidence: Boxes (y0, x0, y1, x1) in pixels that one has to look at, at least one; None where they are not known.
    """

    image: NDArray[np.uint8] | Path
    question: str
    answers: tuple[str, ...]
    family: str = OTHER
    evidence: tuple[Box, ...] | None = None

    def picture(self) -> NDArray[np.uint8]:
        """Returns the image, uint8 (h, w, 3)."""
        if not isinstance(self.image, Path):
            return self.image
        return np.asarray((read_image(self.image) * 255).round(), np.uint8)

    def right(self, answer: str) -> bool:
        """Returns whether an answer is one of the right ones, but for case, spaces and a full stop at the end.

        >>> Example(Path("a.png"), "what?", ("Top left", "42")).right(" top  left. ")
        True
        """
        return plain(answer) in {plain(one) for one in self.answers}


def plain(answer: str) -> str:
    """Returns an answer in lower case, single spaces, without a full stop at the end."""
    return " ".join(answer.lower().split()).rstrip(".").rstrip()


def scenes(seed: int, samples: int, families: Sequence[str] | None = None) -> Iterator[Example]:
    """Yields `samples` examples of each family of the built-in world, families in turn; the same for equal seeds.

    They are those of `pyrascope scenes --seed SEED`, each made when it is asked for.

    Args:
        seed: Not negative.
        samples: Of each family.
        families: Names of `FAMILIES`; None for all.

    Raises:
        ValueError: no such family.
    """
    names = list(FAMILIES)
    chosen = names if families is None else [one_of(name, "family", names) for name in families]
    whole_number(seed, "seed", 0)
    whole_number(samples, "samples", 1)

    def made() -> Iterator[Example]:
        for number in range(samples * len(names)):
            if names[number % len(names)] in chosen:
                found = sample(seed, number)
                evidence = tuple((y0, x0, y1, x1) for y0, x0, y1, x1 in found.evidence.tolist())
                yield Example(found.image, found.question, (found.answer,), found.family, evidence)

    return made()


def questions(path: Path, families: Sequence[str] | None = None) -> list[Example]:
    """Returns the examples of a JSONL file, one object a line; empty lines are left out.

    A line has "image" (a file, relative to this one), "question", "answer" or "answers", and where there are such
    "family" and "evidence" (a list of boxes [y0, x0, y1, x1] in pixels).

    Args:
        path: The file.
        families: Those wanted; None for all.

    Raises:
        OSError: a file that cannot be read.
        ValueError: a line that does not fit, by its number; or no examples.
    """
    with open_to_read(path, "data") as file:
        lines = file.read().decode("utf-8", "replace").splitlines()
    found = [
        _example(line, f"line {number} of {path}", path.parent) for number, line in enumerate(lines, 1) if line.strip()
    ]
    kept = [one for one in found if families is None or one.family in families]
    if not kept:
        known = ", ".join(dict.fromkeys(one.family for one in found)) or "none"
        raise ValueError(f"data must have examples of the families wanted, got those of {known} in {path}")
    return kept


def _example(line: str, where: str, folder: Path) -> Example:
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} must be a JSON object, got {shorten(line, 40)} ({error})") from None
    if not isinstance(data, dict):
        raise ValueError(f"{where} must be a JSON object, got {shorten(line, 40)}")
    for name in ("image", "question"):
        if not isinstance(data.get(name), str) or not data[name].strip():
            raise ValueError(f"{where} must have a text as {name!r}, got {shorten(data.get(name))}")
    answers = data.get("answers", [data["answer"]] if "answer" in data else None)
    if not isinstance(answers, list) or not answers or not all(isinstance(one, str) for one in answers):
        given = shorten(data.get("answers", data.get("answer")))
        raise ValueError(f"{where} must have a text as 'answer', or several as 'answers', got {given}")
    family = data.get("family", OTHER)
    if not isinstance(family, str):
        raise ValueError(f"{where} must have a text as 'family', or none, got {shorten(family)}")
    image = folder / data["image"]
    if not image.is_file():
        raise FileNotFoundError(f"{where} must name an image file, got {shorten(str(image), 200)}; check the path")
    return Example(image, data["question"], tuple(answers), family, _evidence(data.get("evidence"), where))


def _evidence(given: Any, where: str) -> tuple[Box, ...] | None:
    if given is None:
        return None
    try:
        boxes = np.array(given, np.float64)
        fits = boxes.ndim == 2 and boxes.shape[1] == 4 and len(boxes) > 0 and bool(np.isfinite(boxes).all())
    except (TypeError, ValueError):
        fits = False
    if not fits or not bool((boxes[:, :2] < boxes[:, 2:]).all()):
        raise ValueError(f"{where} must have boxes [y0, x0, y1, x1] as 'evidence', or none, got {shorten(given)}")
    return tuple((y0, x0, y1, x1) for y0, x0, y1, x1 in boxes.tolist())
