"""`pyrascope plan`: where the tokens of a budget go on one image, or on several together."""

import math
from json import dumps, loads
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..allocation.plan import Plan
from ..api import gather, render
from ..api import plan as make_plan
from ..evaluation.pictures.metrics import psnr
from ..methods.named import method_from
from ..viz import plan_figure
from .given import cells, fixations, loaded, whole_budget
from .given import weight as weight_from
from .outputs import outputs

Pictures = Annotated[
    list[Path],
    typer.Argument(
        help="A picture, or several that share the budget: any format that Pillow reads.", show_default=False
    ),
]
Fixation = Annotated[
    list[str] | None,
    typer.Option(metavar="Y,X", help="Where the viewer looks, in source pixels; may be repeated.", show_default=False),
]
Cell = Annotated[int, typer.Option(help="Side of a token's patch in pixels.")]


def plan(
    images: Pictures,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            "-b",
            metavar="N|auto",
            help="Visual tokens to spend, in all; auto: as many as the method's own tiers say; "
            "default: a quarter of the cells.",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="As `pyrascope methods` lists them; with options as in 'RateDistortion(aspect=1)'.")
    ] = "rate-distortion",
    weight: Annotated[
        str | None,
        typer.Option(
            metavar="MAP",
            help="What matters: an importance map as in 'Saliency()', or a picture whose bright places count.",
            show_default=False,
        ),
    ] = None,
    fixation: Fixation = None,
    cell: Cell = 16,
    json: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the plan (of several images a list) to this JSON file; -: to standard output.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Draw the plan (of one image) to this file.", show_default=False)
    ] = None,
) -> None:
    """Decides where exactly BUDGET visual tokens go on an image, or on several, and shows it."""
    console = Console()
    if out and len(images) > 1:
        raise ValueError(f"--out must be left out for {len(images)} images, got {out}; plan one, or use --json")
    tokens = None if budget is None else whole_budget(budget)
    kind = "plan" if len(images) == 1 else "plans"
    with outputs(json, out, inputs=[*images, weight], kinds=(kind, "picture")) as files:
        with Console(stderr=True).status("planning"):
            tensors = loaded(images)
            context = fixations(fixation or [])
            found = make_plan(
                tensors,
                max(cells(tensors, cell) // 4, len(tensors)) if budget is None else tokens,
                method_from(method),
                cell,
                [weight_from(weight, tensor, cell, context) for tensor in tensors],
                context,
            )
            shown = (render(one, gather(image, one)) for image, one in zip(tensors, found, strict=True))
            qualities = [psnr(seen, image) for seen, image in zip(shown, tensors, strict=True)]
            files.write(_json(found))
            if out:
                files.draw(plan_figure(tensors[0], found[0]))
        for path, one, quality in zip(images, found, qualities, strict=True):
            if len(images) > 1:
                typer.echo(f"{path}:")
            _print(console, one, quality)
        if len(found) > 1:
            typer.echo(f"{sum(one.tokens for one in found)} tokens in all")


def _json(plans: list[Plan]) -> str:
    """One plan as `Plan.load` reads it, several as a list of such."""
    return plans[0].to_json() if len(plans) == 1 else dumps([loads(one.to_json()) for one in plans])


def _print(console: Console, plan: Plan, quality: float) -> None:
    typer.echo(repr(plan))
    console.print(_table(plan))
    exact = math.isinf(quality)
    console.print("The tokens show the image exactly." if exact else f"The tokens show the image at {quality:.1f} dB.")


def _table(plan: Plan) -> Table:
    """Tokens and share of the image at each resolution."""
    table = Table("resolution (down, across)", "tokens", "of the tokens", "of the image", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    y0, x0, y1, x1 = plan.boxes.T
    areas = (y1 - y0) * (x1 - x0) / math.prod(plan.image_size)
    for (ly, lx), tokens in plan.by_level().items():
        table.add_row(
            " x ".join("native" if level == 0 else f"1/{2**level:.4g}" for level in (ly, lx)),
            str(len(tokens)),
            f"{len(tokens) / plan.tokens:.1%}",
            f"{areas[tokens].sum():.1%}",
        )
    return table
