"""Methods side by side on one image: how many tokens, how long, and how much of the image is left."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ...allocation.contracts.allocator import Allocator, Context
from ...allocation.plan import Plan
from ...api import gather, plan, render
from .metrics import psnr
from .ssim import WINDOW, ssim


@dataclass(frozen=True)
class Comparison:
    """What one method made of the image.

    Attributes:
        name: As given.
        plan: Its plan; None where the method refused.
        milliseconds: What planning took, once.
        psnr: Of the rendered tokens in dB, infinite where they show the image exactly; NaN without a plan.
        ssim: Of the same; NaN without a plan or where the image is smaller than its window.
        refused: Why there is no plan, in a sentence, else empty.
    """

    name: str
    plan: Plan | None
    milliseconds: float = math.nan
    psnr: float = math.nan
    ssim: float = math.nan
    refused: str = ""


def compare(
    image: Tensor,
    budget: int | None,
    methods: Mapping[str, Allocator],
    cell: int = 16,
    context: Context | None = None,
    each: Callable[[str], object] = lambda name: None,
) -> list[Comparison]:
    """Returns what each method makes of an image (c, h, w), in their order.

    A method that refuses (one that needs a detector, or a budget) is in the list with its reason.

    Args:
        image: Floating, in [0, 1].
        budget: Tokens for each.
        methods: By name.
        cell: Side of a token's patch.
        context: What else is known.
        each: Called with the name of a method before it starts, as for a progress bar.

    Example:
        >>> import torch
        >>> from pyrascope.methods import Resize, Uniform
        >>> rows = compare(torch.ones(1, 64, 64), 9, {"resize": Resize(), "uniform": Uniform()})
        >>> [(row.name, row.plan.tokens, round(row.ssim, 6)) for row in rows]
        [('resize', 9, 1.0), ('uniform', 9, 1.0)]
    """
    found = []
    for name, method in methods.items():
        each(name)
        begin = time.perf_counter()
        try:
            made = plan(image, budget, method, cell, context=context)
        except ValueError as error:
            found.append(Comparison(name, None, refused=" ".join(str(error).split())))
            continue
        took = 1000 * (time.perf_counter() - begin)
        shown = render(made, gather(image, made))
        fits = min(image.shape[-2:]) >= WINDOW
        found.append(Comparison(name, made, took, psnr(shown, image), ssim(shown, image) if fits else math.nan))
    return found
