"""Boxes of an image to patches: each token reads its box from a sharp level, without aliasing."""

import math

import torch
from torch import Tensor

from ..allocation.plan import Plan
from ..signal.resample import lanczos3
from ..signal.ripmap import Ripmap
from ..signal.windows import level_windows, windows

CHUNK = 2**25
"""Most elements of the windows that are cut at once for boxes off the dyadic grid."""


def gather_patches(image: Tensor, plan: Plan) -> Tensor:
    """Returns the patches (n, c, cell, cell) of the plan's boxes, in the plan's order.

    A box of level (ly, lx) that lies on the lattice of that sharp level is copied from it: at level 0 these are the
    image's own pixels, bit for bit. Any other box is resampled from the image with a Lanczos-3 low-pass at its own
    rate. What lies beyond the border repeats the edge. Differentiable in the image.

    Args:
        image: Floating (c, h, w).
        plan: A plan for an image of this size.

    Raises:
        ValueError: the plan is for an image of another size.
    """
    size = tuple(image.shape[-2:])
    if size != plan.image_size:
        raise ValueError(
            f"the image must be {plan.image_size[0]}x{plan.image_size[1]} px as its plan, got {size[0]}x{size[1]}; "
            "make a plan for this image"
        )
    ripmap = Ripmap(image)
    out = image.new_empty((plan.tokens, image.shape[0], plan.cell, plan.cell))
    for level, tokens in plan.by_level().items():
        corner = torch.tensor(plan.boxes[tokens, :2])
        step = torch.tensor(level, dtype=torch.float64).exp2()
        if all(axis >= 0 and axis == int(axis) for axis in level) and not (corner % step).any():
            start = (corner / step).long()
            patches = level_windows(ripmap, (int(level[0]), int(level[1])), start, plan.cell)
        else:
            patches = resampled(image, corner, step, plan.cell)
        out[torch.from_numpy(tokens).to(out.device)] = patches
    return out


def resampled(image: Tensor, corner: Tensor, step: Tensor, cell: int) -> Tensor:
    """Patches (n, c, cell, cell) of boxes with any `corner` (n, 2), their pixels `step` (2,) source pixels apart."""
    stretch = step.clamp(min=1)
    first = torch.floor(corner + step / 2 - 3 * stretch).long()
    span = [math.ceil((cell - 1) * step[a] + 2 * 3 * stretch[a]) + 2 for a in (0, 1)]
    centres = corner[:, :, None] + (torch.arange(cell) + 0.5) * step[:, None]

    def matrix(axis: int, chunk: slice) -> Tensor:
        pixels = first[chunk, axis, None] + torch.arange(span[axis]) + 0.5
        weight = lanczos3((pixels[:, None, :] - centres[chunk, axis, :, None]) / stretch[axis])
        return (weight / weight.sum(-1, keepdim=True)).to(image)[:, None]

    count = max(1, CHUNK // (image.shape[0] * span[0] * span[1]))
    parts = []
    for begin in range(0, len(corner), count):
        chunk = slice(begin, begin + count)
        window = windows(image, first[chunk], (span[0], span[1]))
        parts.append(matrix(0, chunk) @ window @ matrix(1, chunk).transpose(-1, -2))
    return torch.cat(parts)
