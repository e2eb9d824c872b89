"""Makes examples/scenes: one scene of the built-in model's world a family of questions: `python examples/scenes.py`."""

import argparse
import io
import json
from pathlib import Path

from PIL import Image

from pyrascope.world.questions import FAMILIES
from pyrascope.world.scenes import QUESTIONS, sample

SEED = 7
EACH = 10
"""Scenes of a family, of which the one whose file is smallest is kept: pictures without much noise."""


def png(number: int) -> bytes:
    """Returns scene `number` as a file."""
    file = io.BytesIO()
    Image.fromarray(sample(SEED, number).image).save(file, "PNG", optimize=True)
    return file.getvalue()


def chosen() -> list[int]:
    """Returns the numbers of the scenes that are shipped, one a family."""
    count = len(FAMILIES)
    return [min(range(i, EACH * count, count), key=lambda number: len(png(number))) for i in range(count)]


def line(name: str, number: int) -> dict[str, object]:
    """Returns what questions.jsonl says of a scene; `number` is its number among those of the seed."""
    found = sample(SEED, number)
    return {
        "image": name,
        "question": found.question,
        "answer": found.answer,
        "family": found.family,
        "evidence": found.evidence.tolist(),
        "number": number,
    }


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "scenes")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    names = {f"{i:02d}.png": number for i, number in enumerate(chosen(), 1)}
    for name, number in names.items():
        (folder / name).write_bytes(png(number))
    lines = (json.dumps(line(name, number)) + "\n" for name, number in names.items())
    (folder / QUESTIONS).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
