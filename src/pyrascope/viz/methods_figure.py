"""The same photograph under several methods, in one sheet."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._check import shorten
from ..allocation.plan import Plan
from ..evaluation.pictures.compare import compare
from ..evaluation.pictures.metrics import psnr
from ..io import ImageLike, as_tensor
from ..methods.named import METHODS
from ..tokens.gather import gather_patches
from ..tokens.render import render_patches
from .panels import caption, panels
from .plan_figure import draw_boxes
from .style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_own_style
def methods_figure(
    image: ImageLike, plans: Mapping[str, Plan] | None = None, *, budget: int = 256, cell: int = 16
) -> "Figure":
    """Draws the boxes of several plans of one image, each with its name, its tokens and the PSNR of what they show.

    Where a plan leaves places out, the note says how much it covers.

    Args:
        image: What the plans were made for; see `pyrascope.plan`.
        plans: By name, at least one; None: those of every method (one that needs more than an image is left out).
        budget: Tokens for each, where the plans are made here; likewise `cell`.
        cell: Side of a token's patch.

    Returns:
        A matplotlib figure.

    Raises:
        ValueError: no plans, or a plan of another size than the image.
    """
    tensor, _ = as_tensor(image)
    tensor = tensor.detach().float().cpu()
    if plans is None:
        made = compare(tensor, budget, {name: kind() for name, kind in METHODS.items()}, cell)
        plans = {row.name: row.plan for row in made if row.plan is not None}
    if not isinstance(plans, Mapping) or not plans:
        raise ValueError(f"plans must be a dict of at least one plan by name, got {shorten(plans)}")
    height, width = tensor.shape[-2:]
    first = next(iter(plans.values()))
    figure, axes = panels(len(plans), width / height, f"{height}x{width} px, cell {first.cell}")
    for axis, (name, plan) in zip(axes, plans.items(), strict=True):
        quality = psnr(render_patches(plan, gather_patches(tensor, plan)), tensor)
        draw_boxes(axis, tensor, plan)
        notes = [
            f"{plan.tokens} token{'s' if plan.tokens > 1 else ''}",
            "exact" if math.isinf(quality) else f"{quality:.1f} dB",
            "" if plan.coverage == 1 else f"covers {math.floor(100 * plan.coverage)} %",
        ]
        caption(axis, name, ", ".join(note for note in notes if note))
        axis.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    return figure
