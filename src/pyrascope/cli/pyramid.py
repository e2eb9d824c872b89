"""`pyrascope pyramid`: an image's pyramid as a picture."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from torch import Tensor

from .._check import whole_number
from ..io import as_tensor
from ..signal.gaussian import depth, gaussian_pyramid
from ..signal.laplacian import laplacian_pyramid
from ..signal.mipmap import mipmap
from ..signal.steerable import steerable_pyramid
from ..signal.steerable_masks import most_levels
from ..viz import pyramid_figure, steerable_figure
from ..viz.steerable_figure import MOST
from .outputs import outputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Kind(StrEnum):
    """Pyramids that can be drawn."""

    GAUSSIAN = "gaussian"
    LAPLACIAN = "laplacian"
    STEERABLE = "steerable"
    MIPMAP = "mipmap"


def pyramid(
    image: Annotated[Path, typer.Argument(help="A picture: any format that Pillow reads.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Draw the pyramid to this file.", show_default=False)],
    kind: Annotated[Kind, typer.Option(help="Which pyramid.")] = Kind.GAUSSIAN,
    levels: Annotated[
        int | None,
        typer.Option(
            help="Number of levels (steerable: of oriented levels); default: until the shorter side is below 16."
        ),
    ] = None,
    orientations: Annotated[
        int | None, typer.Option(help="Number of orientations of a steerable pyramid; default: 4.")
    ] = None,
) -> None:
    """Draws the levels of an image's pyramid, fine to coarse; of a steerable one, by orientation too."""
    if orientations is not None and kind is not Kind.STEERABLE:
        raise ValueError(f"--orientations must be left out for --kind {kind}, got {orientations}; use --kind steerable")
    with outputs(out=out, inputs=[image]) as files:
        tensor, _ = as_tensor(image)
        if kind is Kind.STEERABLE:
            figure, count = _steerable(tensor, levels, 4 if orientations is None else orientations, image.name)
        else:
            figure, count = _levels(tensor, levels, kind, image.name)
        files.draw(figure)
        typer.echo(count)


def _levels(image: Tensor, levels: int | None, kind: Kind, name: str) -> tuple["Figure", str]:
    """The picture of a pyramid that is a list of levels, and how many there are."""
    if kind is Kind.MIPMAP:
        # Sides are halved and rounded down, so the first below 16 comes after as many steps as there are bits above 8.
        made = mipmap(image, max(1, min(image.shape[-2:]).bit_length() - 3) if levels is None else levels)
    else:
        made = (laplacian_pyramid if kind is Kind.LAPLACIAN else gaussian_pyramid)(image, levels)
    title = f"Mipmap of {name}" if kind is Kind.MIPMAP else f"{kind.capitalize()} pyramid of {name}"
    return pyramid_figure(made, bands=kind is Kind.LAPLACIAN, title=title), f"{len(made)} levels"


def _steerable(image: Tensor, levels: int | None, orientations: int, name: str) -> tuple["Figure", str]:
    """The picture of a steerable pyramid, and how many levels and orientations there are."""
    size = (image.shape[-2], image.shape[-1])
    fitting = min(most_levels(size), max(depth(image, None) - 1, 1))
    count = whole_number(orientations, "orientations", 1, MOST)
    made = steerable_pyramid(image, fitting if levels is None else levels, count)
    figure = steerable_figure(made, title=f"Steerable pyramid of {name}")
    return figure, f"{made.levels} levels of {made.orientations} orientations"
