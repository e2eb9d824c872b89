"""A sheet of pictures: a title, and pictures that stay in proportion, each with its label above."""

from typing import TYPE_CHECKING

from .plan_figure import INK, PAPER, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 130
MARGIN = 0.12
LINE = 0.2  # what a line of text takes, in inches
NARROWEST = 5.2  # inches; a title of ordinary length fits
LETTER = 0.068  # inches, of a title on average


def sheet(size: tuple[float, float], inches: float, title: str, note: str = "") -> tuple["Figure", "Axes"]:
    """Returns a figure with a title, and an axis below it in units of `inches`, y down, with room for `size`.

    Args:
        size: Height and width of the axis in its units.
        inches: Inches of a unit.
        title: The first line; cut in the middle where it is too long.
        note: The second line, if any; likewise.
    """
    from matplotlib.figure import Figure

    height, width = (max(side * inches, 0.02) for side in size)
    lines = [line for line in (title, note) if line]
    whole_width = max(width + 2 * MARGIN, NARROWEST)
    whole_height = height + 2 * MARGIN + len(lines) * LINE
    figure = Figure(figsize=(whole_width, whole_height), facecolor=PAPER, dpi=DOTS_PER_INCH)
    axis = figure.add_axes((MARGIN / whole_width, MARGIN / whole_height, width / whole_width, height / whole_height))
    axis.set(xlim=(0, size[1]), ylim=(size[0], 0))
    axis.set_axis_off()
    most = int((whole_width - 2 * MARGIN) / LETTER)
    text = "\n".join(line if len(line) <= most else f"{line[: most // 2]}...{line[-(most // 3) :]}" for line in lines)
    top = 1 - MARGIN / 2 / whole_height
    figure.suptitle(text, fontsize=9, color=SOFT, x=MARGIN / whole_width, ha="left", y=top, va="top", linespacing=1.4)
    return figure, axis


def label(axis: "Axes", text: str, left: float, bottom: float) -> None:
    """Writes a line of text whose lower left corner is at a place."""
    axis.annotate(
        text, (left, bottom), xytext=(0, 2.5), textcoords="offset points", va="bottom", fontsize=8, color=INK
    )  # fmt: skip
