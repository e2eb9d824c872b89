"""Draws twenty answers of the built-in model, with what it looked at: `python examples/answers_sheet.py`.

It asks about scenes of one seed, in order, at one budget, and shows as many right as wrong answers where there are
enough of both; those that are left over are the first ones of the other kind.
"""

import argparse
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pyrascope.allocation.plan import Plan
from pyrascope.builtin.asking import ask
from pyrascope.models.ask.answer import Answer
from pyrascope.world.scenes import Sample, sample

HERE = Path(__file__).parent
GOOD, BAD, FINE = "#1a7f37", "#c0262d", "#ffd33d"
WIDE = 46
"""Characters in a line over a picture."""
ROOM = 5
"""Pixels between evidence and the line around it."""


@dataclass(frozen=True)
class Shown:
    """A question about a scene, and the answer."""

    number: int
    sample: Sample
    answer: Answer

    @property
    def right(self) -> bool:
        """Whether it is exactly the right one."""
        return self.answer.text == self.sample.answer


def asked(seed: int, samples: int, budget: int, folder: Path | None) -> list[Shown]:
    """Returns the answers to the first questions of a seed."""
    found = [sample(seed, number) for number in range(samples)]
    return [Shown(i, one, ask(one.image, one.question, budget, folder=folder)) for i, one in enumerate(found)]


def picked(answers: list[Shown], count: int) -> list[Shown]:
    """Returns `count` answers, half of them wrong where so many are, the wrong ones last.

    Both in the order of their numbers, by which families take turns.
    """
    right, wrong = ([one for one in answers if one.right == kind] for kind in (True, False))
    bad = min(len(wrong), max(count // 2, count - len(right)))
    return [*right[: count - bad], *wrong[:bad]]


def sheet(answers: list[Shown], columns: int = 5) -> Figure:
    """Draws a picture an answer: the plan's finest cells outlined, the evidence in dotted boxes."""
    rows = -(-len(answers) // columns)
    figure = Figure(figsize=(3.1 * columns, 3.75 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    figure.suptitle("yellow: the finest cells that were looked at; dotted: where the answer is", fontsize=9)
    for place, one in zip(axes, answers, strict=False):
        draw(place, one)
    for place in axes[len(answers) :]:
        place.axis("off")
    return figure


def draw(axes: Axes, one: Shown) -> None:
    """Draws one answer."""
    height, width = one.sample.image.shape[:2]
    axes.imshow(one.sample.image, extent=(0, width, height, 0), interpolation="antialiased")
    for y0, x0, y1, x1 in one.sample.evidence:
        corner, size = (x0 - ROOM, y0 - ROOM), (x1 - x0 + 2 * ROOM, y1 - y0 + 2 * ROOM)
        box = Rectangle(corner, *size, fill=False, linestyle=":", linewidth=1.2, edgecolor="white")
        axes.add_patch(box)
    if one.answer.plan is not None:
        outline(axes, one.answer.plan)
    said = textwrap.shorten(one.answer.text or "nothing", 28, placeholder=" ...")
    mark = f"{said}: right" if one.right else f"{said}: wrong, it is {one.sample.answer}"
    lines = [*textwrap.wrap(one.sample.question, WIDE), mark]
    lines += [f"{one.answer.tokens:.0f} tokens, entropy {one.answer.entropy:.2f}"]
    color = GOOD if one.right else BAD
    axes.set_title("\n".join(lines), fontsize=8.5, color=color, loc="left", parse_math=False)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set(color=color, linewidth=2)


def outline(axes: Axes, plan: Plan) -> None:
    """Draws the border of the region that the plan's finest boxes cover."""
    area = np.prod(plan.boxes[:, 2:] - plan.boxes[:, :2], axis=1)
    fine = plan.boxes[area < 1.01 * area.min()] if area.max() > 1.01 * area.min() else plan.boxes[:0]
    edges: dict[tuple[float, ...], int] = {}
    for y0, x0, y1, x1 in fine:
        for edge in ((y0, x0, y0, x1), (y1, x0, y1, x1), (y0, x0, y1, x0), (y0, x1, y1, x1)):
            edges[edge] = edges.get(edge, 0) + 1
    for (y0, x0, y1, x1), count in edges.items():
        if count == 1:  # between two fine boxes there are two
            axes.plot([x0, x1], [y0, y1], color=FINE, linewidth=1.4, solid_capstyle="projecting")


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=2027, help="of the scenes")
    parser.add_argument("--samples", type=int, default=130, help="that are asked about")
    parser.add_argument("--count", type=int, default=20, help="that are shown")
    parser.add_argument("--budget", type=int, default=96)
    parser.add_argument("--weights", type=Path, help="folder of the model; default: the one that ships")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "images" / "answers.jpg")
    given = parser.parse_args()
    answers = asked(given.seed, given.samples, given.budget, given.weights)
    right = sum(one.right for one in answers)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    sheet(picked(answers, given.count)).savefig(given.out, dpi=100)
    print(f"{right} of {len(answers)} right (seed {given.seed}, {given.budget} tokens); sheet written to {given.out}")


if __name__ == "__main__":
    main()
