"""`pyrascope pyramid`: an image's pyramid as a picture."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..io import as_tensor
from ..signal.gaussian import gaussian_pyramid
from ..signal.laplacian import laplacian_pyramid
from ..viz import pyramid_figure
from .outputs import DOTS_PER_INCH, output


class Kind(StrEnum):
    """Pyramids that can be drawn."""

    GAUSSIAN = "gaussian"
    LAPLACIAN = "laplacian"


def pyramid(
    image: Annotated[Path, typer.Argument(help="A picture: any format that Pillow reads.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Draw the pyramid to this file.", show_default=False)],
    kind: Annotated[Kind, typer.Option(help="Which pyramid.")] = Kind.GAUSSIAN,
    levels: Annotated[
        int | None, typer.Option(help="Number of levels; default: until the shorter side is below 16.")
    ] = None,
) -> None:
    """Draws the levels of an image's pyramid: the finest on the left, the others beside it."""
    with output(out, picture=True) as part:
        tensor, _ = as_tensor(image)
        bands = kind is Kind.LAPLACIAN
        made = laplacian_pyramid(tensor, levels) if bands else gaussian_pyramid(tensor, levels)
        figure = pyramid_figure(made, bands=bands, title=f"{kind.capitalize()} pyramid of {image.name}")
        figure.savefig(part, dpi=DOTS_PER_INCH)
    typer.echo(f"{len(made)} levels, picture written to {out}")
