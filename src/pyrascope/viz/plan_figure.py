"""A plan as a picture: its boxes on the photograph, what they show, and what a plain resize shows."""

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..allocation.plan import Plan, grid_of
from ..api import plan as make_plan
from ..evaluation.pictures.metrics import psnr
from ..io import ImageLike, as_tensor
from ..methods import Resize
from ..tokens.gather import gather_patches
from ..tokens.render import render_patches
from .style import in_own_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, PAPER, SOFT = "#1c1c1c", "#ffffff", "#6b6b6b"
COLOURS = "plasma"
CHARACTER = 0.085
"""Width of a character of the title in inches, at most."""


@in_own_style
def plan_figure(image: ImageLike, plan: Plan, *, compare: bool | Plan = True) -> "Figure":
    """Draws a plan: the photograph with the boxes, beside the rendered tokens and a plain resize, with their PSNR.

    Fine boxes are drawn bright and thin, coarse ones dark and thick. Below, the place with the most tokens, enlarged.

    Args:
        image: What the plan was made for; see `pyrascope.plan`.
        plan: The plan.
        compare: Draw the resize to the same number of tokens too; or the plan of a resize to draw.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.
    """
    tensor, _ = as_tensor(image)
    tensor = tensor.detach().float().cpu()
    seen = "" if plan.coverage == 1 else f" on {math.floor(100 * plan.coverage)} % of the image"
    panels = [("the image", tensor), (f"{plan.tokens} tokens{seen}", _shown(tensor, plan))]
    if compare:
        most = math.prod(grid_of(plan.image_size, plan.cell))
        same = min(plan.tokens, most)
        small = compare if isinstance(compare, Plan) else make_plan(tensor, same, Resize(), plan.cell)
        panels.append((f"plain resize, {small.tokens} tokens", _shown(tensor, small)))
    height, width = plan.image_size
    figure, axes = _panels(len(panels), width / height)
    top, left, bottom, right = _busiest(plan)
    for number, (title, picture) in enumerate(panels):
        whole, detail = axes[:, number]
        if number == 0:
            draw_boxes(whole, picture, plan)
            whole.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=PAPER, linewidth=2)
        else:
            _imshow(whole, picture, (0, 0, height, width))
            quality = psnr(picture, tensor)
            note = "exact" if math.isinf(quality) else f"{quality:.1f} dB"
            whole.set_title(note, fontsize=11, color=SOFT, loc="right")
        whole.set_title("where the tokens go" if number == 0 else title, fontsize=11, color=INK, loc="left")
        _imshow(detail, picture[:, top:bottom, left:right], (top, left, bottom, right))
    axes[1, 0].set_title("detail: the image", fontsize=9, color=SOFT, loc="left")
    name = textwrap.fill(
        f"{plan.method}   {height}x{width} px, cell {plan.cell}", int(figure.get_figwidth() / CHARACTER)
    )
    figure.suptitle(name, fontsize=9, color=SOFT, x=0.01, ha="left")
    return figure


def _shown(image: Tensor, plan: Plan) -> Tensor:
    return render_patches(plan, gather_patches(image, plan))


def _imshow(axis: "Axes", picture: Tensor, box: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = box
    axis.imshow(pixels(picture), extent=(left, right, bottom, top), interpolation="antialiased")


def _busiest(plan: Plan, share: int = 4) -> tuple[int, int, int, int]:
    """The box (y0, x0, y1, x1) of 1 / share of each side in which the most tokens have their centres."""
    sides = [max(pixels // share, 1) for pixels in plan.image_size]
    centres = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
    steps = [np.linspace(0, whole - side, 25).astype(int) for whole, side in zip(plan.image_size, sides, strict=True)]
    inside = [
        (centres[:, axis] >= steps[axis][:, None]) & (centres[:, axis] < steps[axis][:, None] + sides[axis])
        for axis in (0, 1)
    ]
    counts = inside[0].astype(float) @ inside[1].T.astype(float)
    row, column = np.unravel_index(counts.argmax(), counts.shape)
    top, left = int(steps[0][row]), int(steps[1][column])
    return top, left, top + sides[0], left + sides[1]


def draw_boxes(axis: "Axes", image: Tensor, plan: Plan) -> None:
    """Draws the photograph, dimmed, and the plan's boxes on a matplotlib axis."""
    import matplotlib
    from matplotlib.collections import PolyCollection

    height, width = plan.image_size
    axis.imshow(pixels(image) * 0.75, extent=(0, width, height, 0), interpolation="antialiased")
    level = plan.levels.mean(1).astype(float)
    low, high = level.min(), max(level.max(), level.min() + 1)
    shade = (level - low) / (high - low)
    order = np.argsort(-level, kind="stable")
    y0, x0, y1, x1 = plan.boxes[order].T
    corners = np.stack([np.stack([x0, x1, x1, x0], 1), np.stack([y0, y0, y1, y1], 1)], 2)
    axis.add_collection(
        PolyCollection(
            list(corners),
            facecolors="none",
            edgecolors=matplotlib.colormaps[COLOURS](0.95 - 0.75 * shade[order]),
            linewidths=0.5 + 0.9 * shade[order],
        )
    )


def pixels(image: Tensor) -> NDArray[np.float32]:
    """Returns an image (c, h, w) of 1, 3 or any number of channels as (h, w, 3), clipped to [0, 1]."""
    three = image if image.shape[0] == 3 else image.mean(0, keepdim=True).expand(3, -1, -1)
    array: NDArray[np.float32] = three.clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
    return array


def _panels(count: int, ratio: float) -> tuple["Figure", NDArray[Any]]:
    """A figure with two rows of `count` equal panels of width / height `ratio`."""
    from matplotlib.figure import Figure

    ratio = min(max(ratio, 0.25), 6.0)
    width = min(max(count * 4.4 * math.sqrt(ratio), 7.0), 18.0)
    height = 2 * (width / count / ratio + 0.3) + 0.4
    figure = Figure(figsize=(width, height), facecolor=PAPER, layout="constrained")
    axes: NDArray[Any] = figure.subplots(2, count, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes
