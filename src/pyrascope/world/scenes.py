"""The world of the built-in model: scenes with a question each, from a seed, and folders of them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .._check import whole_number
from .._files import write_folder
from .drawing import Drawing, Style, drawing
from .questions import FAMILIES, Question, question
from .vocabulary import joined

QUESTIONS = "questions.jsonl"


@dataclass(frozen=True, eq=False)
class Sample:
    """A scene and a question about it.

    Attributes:
        image: uint8 (h, w, 3).
        question: In words of the built-in model's vocabulary.
        answer: The right one.
        family: One of `FAMILIES`.
        evidence: Boxes (n, 4) that one has to look at, in pixels: y0, x0, y1, x1, half-open.
    """

    image: NDArray[np.uint8]
    question: str
    answer: str
    family: str
    evidence: NDArray[np.float64]


def sample(seed: int, number: int, family: str | None = None, side: int = 512) -> Sample:
    """Returns sample `number` of a seed; by default families take turns.

    Args:
        seed: Not negative.
        number: Not negative; each number is a scene of its own.
        family: One of `FAMILIES`.
        side: Of the picture in pixels, 256 to 512.

    >>> found = sample(seed=7, number=0)
    >>> found.image.shape, found.family, found.evidence.shape
    ((512, 512, 3), 'number', (1, 4))
    """
    whole_number(side, "side", 256, 512)
    names = list(FAMILIES)
    random = np.random.default_rng([whole_number(seed, "seed", 0), whole_number(number, "number", 0), 0x5CE2E])
    wanted = names[number % len(names)] if family is None else family
    made, found = asked(random, wanted, Style(side))
    return Sample(
        made.image,
        joined(found.words),
        joined(found.answer),
        wanted,
        np.array(found.evidence, np.float64),
    )


def asked(random: np.random.Generator, family: str, style: Style) -> tuple[Drawing, Question]:
    """Returns a drawing that allows a question of the family, and the question.

    Raises:
        ValueError: there is no such family.
    """
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {family}")
    while True:
        made = drawing(random, style)
        found = question(random, made, family) if made.things else None
        if found is not None:
            return made, found


def write_scenes(folder: Path, seed: int, count: int) -> None:
    """Writes `count` scenes as 00.png, 01.png, ... and questions.jsonl (image, question, answer, family, evidence).

    The folder is there with all of it, or not at all.

    Raises:
        FileExistsError: `folder` is there already and holds something.
        ValueError: `count` is not positive.
    """
    whole_number(count, "count", 1)
    with write_folder(folder, "the folder for scenes") as made:
        lines = []
        for number in range(count):
            found = sample(seed, number)
            name = f"{number:0{max(2, len(str(count - 1)))}d}.png"
            Image.fromarray(found.image).save(made / name)
            lines.append(
                {
                    "image": name,
                    "question": found.question,
                    "answer": found.answer,
                    "family": found.family,
                    "evidence": found.evidence.tolist(),
                }
            )
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (made / QUESTIONS).write_text(text, encoding="utf-8")
