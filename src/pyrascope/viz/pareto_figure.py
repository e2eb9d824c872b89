"""Accuracy against what it costs: visual tokens, and the time to answer."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .plan_figure import INK, PAPER, SOFT
from .style import in_own_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 1.15
"""By how much the first and last method of one budget are drawn apart at most, so that no interval hides another."""
Facts = dict[str, Any]
Point = tuple[float, float, float, float]
"""Cost, and accuracy with the ends of its interval, in percent."""


@in_own_style
def pareto_figure(facts: Facts) -> "Figure":
    """Draws the accuracy of each method and budget against its tokens, and against its process time to answer.

    Methods are lines over budgets, rows without a budget points. What has no time (it is told the answer, or combines
    others) is on the left alone.

    Args:
        facts: From `pyrascope.evaluation.answers.results`.

    Returns:
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    spent = {(one["method"], one["budget"]): 1000 * one["cpu"] for one in facts["times"]}
    lines: dict[str, list[tuple[Point, float | None]]] = {}
    for one in facts["rows"]:
        middle, low, high = (100 * value for value in one["accuracy"])
        point = (one["tokens"], middle, low, high)
        lines.setdefault(one["method"], []).append((point, spent.get((one["method"], one["budget"]))))
    names = [name for name in lines if any(point[0] > 0 for point, _ in lines[name])]
    columns = math.ceil(len(names) / 24)
    figure = Figure(figsize=(11 + 1.6 * columns, 5.6), facecolor=PAPER, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    left.set_ylim(0, 102)
    for number, name in enumerate(names):
        style, aside = _style(number), min(WIDE ** (1 / len(names)), 1.02) ** (number - len(names) / 2)
        _line(left, name, [(point[0] * aside, *point[1:]) for point, _ in lines[name]], style)
        timed = [(milliseconds, *point[1:]) for point, milliseconds in lines[name] if milliseconds is not None]
        _line(right, name, timed, style)
    levels = [name for name in lines if name not in names]  # no tokens: what to beat
    for number, name in enumerate(levels):
        for axis in (left, right):
            level, place = lines[name][0][0][1], ("axes fraction", "data")
            axis.axhline(level, color=SOFT, linewidth=0.8, linestyle=":")
            where = (0.01 + 0.2 * number, level)
            axis.annotate(f"{name}, {level:.0f} %", where, xycoords=place, fontsize=8, color=SOFT, va="bottom")
    for axis, label in (
        (left, "visual tokens (those of one budget side by side)"),
        (right, "process time to answer, ms"),
    ):
        axis.set_xscale("log")
        axis.set_xlabel(label, fontsize=9, color=INK)
        axis.grid(color="#e6e6e6", linewidth=0.6)
        axis.tick_params(labelsize=8)
        for edge in ("top", "right"):
            axis.spines[edge].set_visible(False)
    _ticks(left, [point[0] for name in names for point, _ in lines[name]])
    _ticks(right, [cost for name in names for _, cost in lines[name] if cost is not None])
    left.set_ylabel("right answers, %, with 95 % intervals", fontsize=9, color=INK)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", ncols=columns, fontsize=8, frameon=False)
    figure.suptitle(facts["about"]["title"], fontsize=10, color=SOFT, x=0.01, ha="left", parse_math=False)
    return figure


def _style(number: int) -> dict[str, Any]:
    """A colour, a line and a mark of its own for each of up to fifty methods."""
    from matplotlib import colormaps

    return {
        "color": colormaps["tab10"](number % 10),
        "marker": "osD^vP*X<>"[number // 10 % 10 if number >= 10 else number % 10],
        "linestyle": ("-", "--", ":", "-.")[number // 10 % 4],
    }


def _line(axis: "Axes", name: str, points: Sequence[Point], style: dict[str, Any]) -> None:
    """One method: its points joined, with their intervals."""
    if not points:
        return
    cost, middle, low, high = zip(*sorted(points), strict=True)
    down = [value - end for value, end in zip(middle, low, strict=True)]
    up = [end - value for value, end in zip(middle, high, strict=True)]
    axis.errorbar(
        cost, middle, yerr=(down, up), label=name, markersize=5, linewidth=1.3, elinewidth=0.8, capsize=2, **style
    )


def _ticks(axis: "Axes", costs: Sequence[float]) -> None:
    """Marks the costs that are there, as many as leave room for a label each."""
    from matplotlib.ticker import NullLocator

    found: list[float] = []
    for cost in sorted(costs):
        if not found or cost / found[-1] > 1.25:
            found.append(cost)
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticks(found, [f"{cost:.0f}" for cost in found])
