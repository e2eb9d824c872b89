"""`pyrascope scenes`: pictures of the built-in model's world with questions, answers and evidence."""

from pathlib import Path
from typing import Annotated

import typer

from .._check import whole_number


def scenes(
    out: Annotated[Path, typer.Option(help="A new or empty folder for the pictures and questions.jsonl.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same scenes.")] = 0,
    count: Annotated[int, typer.Option(help="How many; the families of questions take turns.")] = 22,
) -> None:
    """Draws scenes that the built-in model can be asked about, each with a question and its answer."""
    from ..world.scenes import QUESTIONS, write_scenes

    whole_number(seed, "--seed", 0)
    whole_number(count, "--count", 1)
    write_scenes(out, seed, count)
    typer.echo(f"{count} scenes written to {out}, their questions to {out / QUESTIONS}")
