"""`pyrascope importance`: how much each place of an image matters, as a picture."""

from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..allocation.ties import ROUNDED, first_largest
from ..api import importance_map
from ..methods.named import map_from
from ..viz import importance_figure
from .given import fixations, loaded
from .outputs import JsonFile, outputs
from .plan import Cell, Fixation


def importance(
    image: Annotated[Path, typer.Argument(help="A picture: any format that Pillow reads.", show_default=False)],
    map: Annotated[
        list[str] | None,
        typer.Option(help="As `pyrascope methods` lists them, as in 'BandEnergy(levels=2)'; may be repeated."),
    ] = None,
    fixation: Fixation = None,
    cell: Cell = 16,
    json: JsonFile = None,
    out: Annotated[Path | None, typer.Option(help="Draw the maps to this file.", show_default=False)] = None,
) -> None:
    """Says how much each cell of an image matters (mean 1); MAP is 'Saliency()' by default."""
    maps = {text: map_from(text) for text in map or ["Saliency()"]}
    with outputs(json, out, inputs=[image], kinds=("values", "picture")) as files:
        with Console(stderr=True).status("looking"):
            tensor = loaded([image])[0]
            context = fixations(fixation or [])
            found = {text: importance_map(tensor, one, cell, context) for text, one in maps.items()}
            rows = [
                {"map": repr(maps[text]), "cell": cell, "values": values.tolist()} for text, values in found.items()
            ]
            files.write(dumps(rows))
            if out:
                files.draw(importance_figure(tensor, found, cell))
        for text, values in found.items():
            row, column = divmod(first_largest(values, ROUNDED), values.shape[1])
            top, left = row * cell, column * cell
            bottom, right = min(top + cell, tensor.shape[-2]), min(left + cell, tensor.shape[-1])
            typer.echo(
                f"{text}: {values.shape[0]}x{values.shape[1]} cells, from {float(values.min()):.3g} to "
                f"{float(values.max()):.3g} times the mean; the most at y {top}..{bottom}, x {left}..{right}"
            )
