"""Panels of one proportion in rows, each with a label above: many views of the same picture on one sheet."""

import math
from typing import TYPE_CHECKING

from .plan_figure import INK, PAPER, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 11.0  # inches of a full sheet
LABEL, GAP, TITLE = 0.27, 0.1, 0.3  # inches
SIZE = 9  # of a label in points
HINTED = 1.08  # letters on a grid of dots are up to so much wider than their outlines


def panels(count: int, ratio: float, title: str, most: int = 3) -> tuple["Figure", list["Axes"]]:
    """Returns a figure of `count` panels of width / height `ratio` in rows of at most `most`, and their axes.

    Very long or high pictures are drawn within 1:3 and 6:1, so that every panel has room for its label.
    """
    from matplotlib.figure import Figure

    ratio = min(max(ratio, 1 / 3), 6.0)
    columns = min(count, most)
    rows = math.ceil(count / columns)
    wide = (WIDTH - GAP) / min(most, max(columns, 2)) - GAP
    high = wide / ratio
    if high > 4.0:
        wide, high = max(4.0 * ratio, 2.9), 4.0
    size = (GAP + columns * (wide + GAP), TITLE + rows * (LABEL + high + GAP))
    figure = Figure(figsize=size, facecolor=PAPER)
    figure.text(GAP / size[0], 1 - 0.08 / size[1], title, fontsize=9, color=SOFT, va="top")
    axes = []
    for number in range(count):
        row, column = divmod(number, columns)
        bottom = size[1] - TITLE - (row + 1) * (LABEL + high + GAP) + GAP
        left = GAP + column * (wide + GAP)
        axis = figure.add_axes((left / size[0], bottom / size[1], wide / size[0], high / size[1]))
        axis.set_axis_off()
        axis.set_anchor("NW")
        axes.append(axis)
    return figure, axes


def caption(axis: "Axes", name: str, note: str = "") -> None:
    """Writes a name above a panel on the left, and a note on the right; the name is cut where both do not fit."""
    figure = axis.get_figure(root=True)
    if figure is None:
        raise ValueError("axis must be on a figure, got one that was removed")
    place = axis.get_position(original=True)  # of the panel; a picture of another proportion does not fill it
    room = place.width * figure.get_figwidth() - _inches(note) - GAP
    cut = len(name)
    while cut > 1 and _inches(name) > room:
        cut -= 1
        name = name[:cut].rstrip(".") + "..."
    for text, colour, side, x in ((name, INK, "left", place.x0), (note, SOFT, "right", place.x1)):
        axis.text(
            x,
            place.y1,
            text,
            fontsize=SIZE,
            color=colour,
            ha=side,
            va="bottom",
            transform=figure.transFigure,
            parse_math=False,
        )


def _inches(text: str) -> float:
    """The width of a label, at most."""
    from matplotlib.textpath import TextPath

    return HINTED * float(TextPath((0, 0), text, size=SIZE).get_extents().width) / 72 if text.strip() else 0.0
