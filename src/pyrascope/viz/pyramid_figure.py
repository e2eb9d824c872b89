"""A pyramid as a picture: the finest level on the left, the others stacked beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .._check import shorten
from .plan_figure import INK, PAPER, SOFT, pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pyramid_figure(levels: Sequence[Tensor], *, bands: bool = False, title: str = "") -> "Figure":
    """Draws the levels of a pyramid in their true proportions, each labelled with its number and size.

    Args:
        levels: Tensors (c, h, w), fine to coarse.
        bands: The levels but the last are bands: grey is 0, and all share one symmetric scale, which is written down.
        title: Printed above.

    Returns:
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    if (
        not isinstance(levels, list | tuple)
        or not all(isinstance(x, Tensor) and x.ndim == 3 for x in levels)
        or not levels
    ):
        raise ValueError(f"levels must be a list of tensors (c, h, w), fine to coarse, got {shorten(levels)}")
    pictures, scale = _pictures(levels, bands)
    places, (height, width) = _places([picture.shape[:2] for picture in pictures])
    inches = 11 / max(height, width)
    figure = Figure(figsize=(max(width * inches, 3.0), max(height * inches, 1.5) + 0.4), facecolor=PAPER)
    axis = figure.add_axes((0.01, 0.01, 0.98, 0.98 - 0.4 / figure.get_figheight()))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.set_axis_off()
    for number, (picture, (top, left)) in enumerate(zip(pictures, places, strict=True)):
        rows, columns = picture.shape[:2]
        axis.imshow(picture, extent=(left, left + columns, top + rows, top), interpolation="antialiased")
        name = "low-pass" if bands and number == len(pictures) - 1 else str(number)
        small = columns < width / 8
        axis.annotate(
            f"{name}  {rows}x{columns}",
            (left + columns if small else left, top),
            xytext=(3, -3),
            textcoords="offset points",
            va="top",
            fontsize=8,
            color=INK,
            bbox={"facecolor": PAPER, "alpha": 0.8, "linewidth": 0, "pad": 1.5},
        )
    note = f"   bands: grey is 0, black and white are -+{scale:.2g}" if bands else ""
    figure.suptitle(f"{title}{note}", fontsize=10, color=SOFT, x=0.01, ha="left", y=0.995)
    return figure


def _pictures(levels: Sequence[Tensor], bands: bool) -> tuple[list[NDArray[np.float32]], float]:
    """Levels as (h, w, 3) in [0, 1], and the value that bands show as white."""
    levels = [level.detach().float().cpu() for level in levels]
    if not bands:
        return [pixels(level) for level in levels], 1.0
    inside = [level.abs().flatten() for level in levels[:-1]]
    scale = max((float(np.quantile(values.numpy(), 0.995)) for values in inside), default=0.0) or 1.0
    return [*(pixels(0.5 + level / (2 * scale)) for level in levels[:-1]), pixels(levels[-1])], scale


def _places(sizes: Sequence[tuple[int, ...]]) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """Top left corners (y, x) of pictures of these sizes, and the size of the sheet: one column beside the first."""
    (height, width), rest = sizes[0], sizes[1:]
    gap = 0.012 * max(height, width)
    places, top = [(0.0, 0.0)], 0.0
    for rows, _ in rest:
        places.append((top, width + gap))
        top += rows + gap
    column = max((columns for _, columns in rest), default=0)
    return places, (max(height, top), width + (gap + column if rest else 0))
