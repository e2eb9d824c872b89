"""`pyrascope plan`: where the tokens of a budget go on one image."""

import math
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ..allocation.plan import Plan, grid_of
from ..api import gather, render
from ..api import plan as make_plan
from ..evaluation.metrics import psnr
from ..io import as_tensor
from ..methods.named import METHODS, method_from
from ..viz import plan_figure
from ..viz.sheet import DOTS_PER_INCH
from .outputs import output


def plan(
    image: Annotated[Path, typer.Argument(help="A picture: any format that Pillow reads.", show_default=False)],
    budget: Annotated[
        int | None, typer.Option("--budget", "-b", help="Visual tokens to spend; default: a quarter of the cells.")
    ] = None,
    method: Annotated[
        str, typer.Option(help=f"{', '.join(METHODS)}; with options as in 'RateDistortion(aspect=1)'.")
    ] = "rate-distortion",
    cell: Annotated[int, typer.Option(help="Side of a token's patch in pixels.")] = 16,
    json: Annotated[Path | None, typer.Option(help="Write the plan to this file.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Draw the plan to this file.", show_default=False)] = None,
) -> None:
    """Decides where exactly BUDGET visual tokens go on an image, and shows it."""
    console = Console()
    if json and out and json.resolve() == out.resolve():
        raise ValueError(f"--json and --out must be two files, got {json} for both")
    with (
        output(json) if json else nullcontext() as json_part,
        output(out, picture=True) if out else nullcontext() as picture_part,
        Console(stderr=True).status("planning"),
    ):
        tensor, _ = as_tensor(image)
        found = make_plan(tensor, _quarter(tensor, cell) if budget is None else budget, method_from(method), cell)
        quality = psnr(render(found, gather(tensor, found)), tensor)
        if json_part:
            json_part.write_text(found.to_json(), encoding="utf-8")
        if picture_part:
            plan_figure(tensor, found).savefig(picture_part, dpi=DOTS_PER_INCH)
    typer.echo(repr(found))
    console.print(_table(found))
    exact = math.isinf(quality)
    console.print("The tokens show the image exactly." if exact else f"The tokens show the image at {quality:.1f} dB.")
    for kind, path in (("plan", json), ("picture", out)):
        if path is not None:
            typer.echo(f"{kind} written to {path}")


def _quarter(image: Tensor, cell: int) -> int:
    """A quarter of the image's cells, at least 1."""
    return max(math.prod(grid_of((image.shape[-2], image.shape[-1]), max(cell, 1))) // 4, 1)


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
