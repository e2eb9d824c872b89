"""`pyrascope compare`: the methods side by side, by their plans of one image or by the answers of a model."""

from pathlib import Path
from typing import Annotated

import typer

from .compare_answers import FAMILIES, compare_answers
from .compare_plans import compare_plans
from .outputs import JsonFile
from .plan import Cell, Fixation


def compare(  # noqa: PLR0913 - one parameter an option of the command
    image: Annotated[
        Path | None,
        typer.Argument(help="A picture, for plans without a model; none: a model answers.", show_default=False),
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", "-b", help="Visual tokens for each; default: a quarter of the cells.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated.", show_default=False)
    ] = None,
    fixation: Fixation = None,
    cell: Cell = 16,
    budgets: Annotated[
        str | None, typer.Option(help="Visual tokens, with commas; default: 24,48,96,192.", show_default=False)
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Of any site, with commas, or all; default: coarse-to-fine. Full grid, resize, random, oracle, blind "
            "and majority are always there.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Examples of each family; default: 500.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A local folder or a hub id; default: the built-in model.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="JSONL of image, question, answer or answers, and where there are such family and evidence; default: "
            "scenes of the built-in world.",
            show_default=False,
        ),
    ] = None,
    families: Annotated[
        str | None, typer.Option(help=f"Only these, with commas; of the scenes: {FAMILIES}.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the scenes; default: 2027.", show_default=False)] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Most tokens of an answer; default: 4.", show_default=False)
    ] = None,
    timed: Annotated[
        int | None, typer.Option(min=1, help="Examples whose time is taken; default: 8.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that ask, each with the model; default: 1.", show_default=False)
    ] = None,
    json: JsonFile = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Draw all plans to this file; with a model: a new folder for the report.", show_default=False
        ),
    ] = None,
) -> None:
    """Puts every method beside a plain resize: its plan of IMAGE, or, without IMAGE, what a model answers with it.

    With IMAGE: tokens, milliseconds, PSNR and SSIM of each plan. Without: accuracies with intervals over many
    questions, by method, budget and family, times, and a report.
    """
    asked = {
        "--budgets": budgets, "--methods": methods, "--samples": samples, "--model": model, "--data": data,
        "--families": families, "--seed": seed, "--max-new-tokens": max_new_tokens, "--timed": timed,
        "--workers": workers,
    }  # fmt: skip
    shown = {"--budget": budget, "--method": method or None, "--fixation": fixation or None}
    wrong = [name for name, value in (shown if image is None else asked).items() if value is not None]
    if wrong:
        kind = "without an image compare asks a model" if image is None else "with an image compare asks no model"
        raise ValueError(f"{kind}, so that {wrong[0]} means nothing, got it; leave {wrong[0]} out")
    if image is not None:
        compare_plans(image, budget, method, fixation, cell, json, out)
        return
    compare_answers(
        budgets or "24,48,96,192",
        methods or "coarse-to-fine",
        500 if samples is None else samples,
        model=model,
        data=data,
        families=families,
        seed=2027 if seed is None else seed,
        max_new_tokens=max_new_tokens or 4,
        timed=timed or 8,
        workers=workers or 1,
        json=json,
        out=out,
    )
