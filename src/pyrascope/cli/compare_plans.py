"""`pyrascope compare IMAGE`: the methods side by side on one image, without a model."""

import math
from json import dumps
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..evaluation.pictures.compare import Comparison
from ..evaluation.pictures.compare import compare as compared
from ..methods.named import METHODS, method_from
from ..viz import methods_figure
from .given import cells, fixations, loaded
from .outputs import outputs


def compare_plans(
    image: Path,
    budget: int | None,
    method: list[str] | None,
    fixation: list[str] | None,
    cell: int,
    json: Path | None,
    out: Path | None,
) -> None:
    """Shows one image to every method, a plain resize first; see `compare`."""
    names = list(dict.fromkeys(["resize", *(method or METHODS)]))
    chosen = {name: method_from(name) for name in names}
    console = Console(stderr=True)
    with outputs(json, out, inputs=[image]) as files:
        tensor = loaded([image])[0]
        tokens = max(cells([tensor], cell) // 4, 1) if budget is None else budget
        first = {"uniform": method_from("uniform")}
        compared(tensor, tokens, first, cell)  # what the first plan of a process prepares is not part of any time
        context = fixations(fixation or [])
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("planning", total=len(chosen))
            rows = compared(
                tensor, tokens, chosen, cell, context, lambda name: bar.update(task, advance=1, description=name)
            )
        if all(row.plan is None for row in rows):
            raise ValueError(rows[0].refused)
        files.write(dumps([_facts(row) for row in rows], indent=1))
        if out:
            files.draw(methods_figure(tensor, {row.name: row.plan for row in rows if row.plan is not None}))
        Console().print(_table(rows))
        for row in rows:
            if row.refused:
                typer.echo(f"{row.name} is left out: {row.refused}")


def _table(rows: list[Comparison]) -> Table:
    table = Table("method", "tokens", "ms", "PSNR", "beside resize", "SSIM", "covers", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    bar = rows[0].psnr
    for row in rows:
        if row.plan is not None:
            beside = row.psnr - bar
            table.add_row(
                row.name,
                str(row.plan.tokens),
                f"{row.milliseconds:.0f}",
                "exact" if math.isinf(row.psnr) else f"{row.psnr:.1f} dB",
                "" if row is rows[0] or not math.isfinite(beside) else f"{beside:+.1f} dB",
                "" if math.isnan(row.ssim) else f"{row.ssim:.3f}",
                f"{row.plan.coverage:.0%}",
            )
    return table


def _facts(row: Comparison) -> dict[str, object]:
    """A row for programs; null where there is no number."""
    numbers = {"milliseconds": row.milliseconds, "psnr": row.psnr, "ssim": row.ssim}
    return {
        "name": row.name,
        "method": row.plan and row.plan.method,
        "tokens": row.plan and row.plan.tokens,
        "coverage": row.plan and row.plan.coverage,
        "exact": row.psnr == math.inf,
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "refused": row.refused or None,
    }
