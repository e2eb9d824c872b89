"""`pyrascope compare IMAGE`: the plans of all methods side by side."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .compare_plans import compare_plans
from .outputs import JsonFile
from .plan import Cell, Fixation


def _hidden(kind: type) -> Any:
    """An option of `evaluate`, which stood here before that was a command of its own."""
    return Annotated[kind | None, typer.Option(hidden=True)]


def compare(  # noqa: PLR0913 - one parameter an option of the command
    image: Annotated[Path | None, typer.Argument(help="A picture.", show_default=False)] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", "-b", help="Visual tokens for each; default: a quarter of the cells.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated.", show_default=False)
    ] = None,
    fixation: Fixation = None,
    cell: Cell = 16,
    json: JsonFile = None,
    out: Annotated[Path | None, typer.Option(help="Draw all plans to this file.", show_default=False)] = None,
    budgets: _hidden(str) = None,  # type: ignore[valid-type]
    methods: _hidden(str) = None,  # type: ignore[valid-type]
    samples: _hidden(int) = None,  # type: ignore[valid-type]
    model: _hidden(str) = None,  # type: ignore[valid-type]
    data: _hidden(Path) = None,  # type: ignore[valid-type]
    families: _hidden(str) = None,  # type: ignore[valid-type]
    seed: _hidden(int) = None,  # type: ignore[valid-type]
    max_new_tokens: _hidden(int) = None,  # type: ignore[valid-type]
    timed: _hidden(int) = None,  # type: ignore[valid-type]
    workers: _hidden(int) = None,  # type: ignore[valid-type]
) -> None:
    """Puts the plans of all methods for one image side by side, a plain resize first.

    Says of each plan: tokens, milliseconds, PSNR and SSIM of what it keeps. For the answers of a model, see
    `pyrascope evaluate`.
    """
    asked = {
        "budgets": budgets, "methods": methods, "samples": samples, "model": model, "data": data,
        "families": families, "seed": seed, "max_new_tokens": max_new_tokens, "timed": timed, "workers": workers,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value is not None}
    if image is not None:
        for name in given:
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"compare IMAGE has no {option}, got it; leave {option} out, or use pyrascope evaluate")
        compare_plans(image, budget, method, fixation, cell, json, out)
        return
    for option, value in {"--budget": budget, "--method": method or None, "--fixation": fixation or None}.items():
        if value is not None:
            raise ValueError(f"{option} of compare needs an image, got none; give one, or use pyrascope evaluate")
    from .evaluate import evaluate

    typer.echo("compare without an image is now `pyrascope evaluate`; this form will go", err=True)
    evaluate(**given, json=json, out=out)
