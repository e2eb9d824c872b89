"""What a model saw of a picture for B visual tokens, and what it answered."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from ..io import ImageLike, as_tensor
from ..models.ask.answer import Answer
from ..models.ask.side_by_side import LOOK, RESIZE
from ..signal.resample import resize
from .panels import caption, panels
from .plan_figure import CHARACTER, INK, pixels, plan_figure
from .style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_own_style
def look_figure(image: ImageLike, question: str, found: Mapping[str, Answer]) -> "Figure":
    """Draws where the tokens of an answer went, what they show beside a plain resize, and all answers.

    Args:
        image: What was asked about; see `pyrascope.plan`.
        question: The question.
        found: The answers by name, from `side_by_side`. Where it is not known what the tokens of "look" show, the
            picture is drawn without them.

    Returns:
        A matplotlib figure.
    """
    tensor = as_tensor(image)[0].detach().float().cpu()
    plan = found[LOOK].plan
    if plan is None:
        height, width = tensor.shape[-2:]
        figure, axes = panels(1, width / height, "")
        axes[0].imshow(pixels(tensor), extent=(0, width, height, 0), interpolation="antialiased")
        caption(axes[0], "the image", "what the tokens show is not known")
    else:
        if tuple(tensor.shape[-2:]) != plan.image_size:
            with torch.no_grad():
                tensor = resize(tensor, plan.image_size)
        small = found[RESIZE].plan if RESIZE in found else None
        alike = small is not None and small.image_size == plan.image_size
        figure = plan_figure(tensor, plan, compare=small if small is not None and alike else True)
    lines = [question]
    for name, one in found.items():
        method = f", {one.method}" if name == LOOK else ""
        lines.append(f"{name} ({one.tokens:.4g} tokens{method}): {one.text!r}, entropy {one.entropy:.2f}")
    columns = int(figure.get_figwidth() / CHARACTER)
    text = "\n".join(textwrap.fill(" ".join(line.split()), columns) for line in lines)
    figure.suptitle(text, fontsize=9, color=INK, x=0.01, ha="left", parse_math=False)
    return figure
