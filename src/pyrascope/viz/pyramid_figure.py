"""A pyramid as a picture: the finest level on the left, the others stacked beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from .._check import shorten
from .bands import scale_of, shaded, written
from .plan_figure import pixels
from .sheet import DOTS_PER_INCH, LINE, label, sheet
from .style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGER = 11.0  # inches of the sheet's longer side, about
PIXEL = 0.3  # most inches of a pixel
LABEL = 1.5  # inches that a label takes


@in_own_style
def pyramid_figure(levels: Sequence[Tensor], *, bands: bool = False, title: str = "") -> "Figure":
    """Draws the levels of a pyramid in their true proportions, each labelled with its number and size.

    Args:
        levels: Tensors (c, h, w), fine to coarse.
        bands: The levels but the last are bands: grey is 0, each on a symmetric scale of its own, which is written
            beside its size. Where a band is drawn smaller than it is, the strongest value of each block is shown.
        title: Printed above.

    Returns:
        A matplotlib figure.
    """
    if (
        not isinstance(levels, list | tuple)
        or not all(isinstance(x, Tensor) and x.ndim == 3 for x in levels)
        or not levels
    ):
        raise ValueError(f"levels must be a list of tensors (c, h, w), fine to coarse, got {shorten(levels)}")
    sizes = [(level.shape[1], level.shape[2]) for level in levels]
    inches = _inches(sizes)
    places, size = _places(sizes, LINE / inches, LABEL / inches)
    note = "bands: grey is 0; white is + and black - the number beside the size" if bands and len(levels) > 1 else ""
    figure, axis = sheet(size, inches, title, note)
    for number, (level, (rows, columns), (top, left)) in enumerate(zip(levels, sizes, places, strict=True)):
        name, scale, picture = str(number), "", None
        if bands and number < len(levels) - 1:
            white = scale_of([level])
            scale, picture = f"  ±{written(white)}", shaded(level, white, columns * inches * DOTS_PER_INCH)
        elif bands:
            name = "low-pass"
        picture = pixels(level.detach().float().cpu()) if picture is None else picture
        axis.imshow(picture, extent=(left, left + columns, top + rows, top), interpolation="antialiased")
        label(axis, f"{name}  {rows}x{columns}{scale}", left, top)
    return figure


def _inches(sizes: Sequence[tuple[int, int]]) -> float:
    """Inches of a pixel."""
    (height, width), rest = sizes[0], sizes[1:]
    beside = max((columns for _, columns in rest), default=0)
    return min(PIXEL, LONGER / max(height, sum(rows for rows, _ in rest), width + beside))


def _places(
    sizes: Sequence[tuple[int, int]], line: float, least: float
) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """Top left corners (y, x) of pictures of these sizes, and the size of the sheet: one column beside the first.

    Above each picture is a `line` for its label, and a column is at least so wide that labels fit.
    """
    (height, width), rest = sizes[0], sizes[1:]
    first, gap = max(width, least), 0.4 * line
    places, top = [(line, 0.0)], 0.0
    for rows, _ in rest:
        places.append((top + line, first + gap))
        top += line + rows + gap
    column = max((max(columns, least) for _, columns in rest), default=0)
    return places, (max(line + height, top), first + (gap + column if rest else 0))
