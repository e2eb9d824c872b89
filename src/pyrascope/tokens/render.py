"""Patches back to an image: what a model that has only the tokens could see."""

import numpy as np
import torch
from torch import Tensor

from ..allocation.cover import owners
from ..allocation.plan import Plan
from ..allocation.ties import FINE
from ..signal.resample import lanczos3, resize
from ..signal.ripmap import Ripmap
from ..signal.windows import windows
from .gather import resampled

MARGIN = 3
"""Pixels around a token that its interpolation sees: the reach of Lanczos-3."""


def render_patches(plan: Plan, patches: Tensor) -> Tensor:
    """Returns the image (c, h, w) that the patches (n, c, cell, cell) of the plan show.

    Where all boxes form one grid, as after a plain resize, the small image is magnified as a whole. Other boxes are
    first painted each on its own; then each is interpolated again, dyadic ones as part of their level, with what that
    first picture shows around it (beside places without a box, means of what is near). Small boxes lie over large
    ones; places without a box are 0. Interpolation is Lanczos-3.
    """
    if grid := _one_grid(plan):
        rows, columns = grid
        small = patches.reshape(rows, columns, *patches.shape[1:]).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)
        return resize(small, plan.image_size)
    if not _dyadic(plan):
        return _completed(plan, patches, _filled(plan, _alone(plan, patches)))
    return _painted(plan, patches, Ripmap(_filled(plan, _painted(plan, patches, None))))


def _one_grid(plan: Plan) -> tuple[int, int] | None:
    """Rows and columns if the boxes are the cells of one regular grid over the whole image, else None."""
    rows, columns = (len(np.unique(plan.boxes[:, axis])) for axis in (0, 1))
    sides = plan.boxes[:, 2:] - plan.boxes[:, :2]
    whole = np.allclose(sides, plan.cell * 2.0 ** plan.levels.astype(np.float64), rtol=1e-6)
    one_level = (plan.levels == plan.levels[0]).all()
    return (rows, columns) if one_level and whole and rows * columns == plan.tokens and plan.is_partition else None


def _dyadic(plan: Plan) -> bool:
    """Whether all boxes are dyadic ones of the planner's tree."""
    levels = plan.levels.astype(np.float64)
    on_grid = (plan.boxes[:, :2] % (plan.cell * 2.0**levels) == 0).all()
    return bool(on_grid and (levels >= 0).all() and (levels % 1 == 0).all())


def _alone(plan: Plan, patches: Tensor) -> Tensor:
    """Each pixel by linear interpolation within the smallest token that covers it."""
    owner = torch.from_numpy(owners(plan.boxes, plan.image_size)).to(patches.device)
    corners = torch.tensor(plan.boxes[:, :2], device=patches.device)
    step = torch.tensor(plan.levels, dtype=torch.float64, device=patches.device).exp2()
    inside = owner >= 0
    token = owner[inside]
    taps = []
    for axis, at in enumerate(torch.nonzero(inside, as_tuple=True)):
        place = ((at + 0.5 - corners[token, axis]) / step[token, axis] - 0.5).clamp(0, plan.cell - 1)
        low = place.floor().long()
        taps.append((low, (low + 1).clamp(max=plan.cell - 1), (place - low).to(patches.dtype)[:, None]))
    (y0, y1, fy), (x0, x1, fx) = taps
    upper = torch.lerp(patches[token, :, y0, x0], patches[token, :, y0, x1], fx)
    lower = torch.lerp(patches[token, :, y1, x0], patches[token, :, y1, x1], fx)
    out = patches.new_zeros((*plan.image_size, patches.shape[1]))
    out[inside] = torch.lerp(upper, lower, fy)
    return out.permute(2, 0, 1)


def _completed(plan: Plan, patches: Tensor, estimate: Tensor) -> Tensor:
    """Interpolates each token with the margin that `estimate` shows around it; each pixel by its smallest token."""
    owner = torch.from_numpy(owners(plan.boxes, plan.image_size)).to(patches.device)
    wide, out = plan.cell + 2 * MARGIN, patches.new_zeros((*plan.image_size, patches.shape[1]))
    for level, tokens in plan.by_level().items():
        index = torch.from_numpy(tokens).to(patches.device)
        corner, step = torch.tensor(plan.boxes[tokens, :2]), torch.tensor(level, dtype=torch.float64).exp2()
        around = resampled(estimate, corner - MARGIN * step, step, wide)
        around[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN] = patches[index]
        pixels, matrices = [], []
        for axis, size in enumerate(plan.image_size):
            at = corner[:, axis, None].floor() + torch.arange(int(plan.cell * step[axis]) + 2)
            place = (at + 0.5 - corner[:, axis, None]) / step[axis] + MARGIN
            weight = lanczos3((place[:, :, None] - torch.arange(wide) - 0.5) * step[axis].clamp(max=1))
            matrices.append((weight / weight.sum(-1, keepdim=True)).to(patches)[:, None])
            pixels.append(at.long().clamp(max=size - 1).to(patches.device))
        y, x = pixels[0][:, :, None], pixels[1][:, None, :]
        values = (matrices[0] @ around @ matrices[1].transpose(-1, -2)).permute(0, 2, 3, 1)
        # beyond the border the clamped index repeats the last pixel, which the first of its places has set
        mine = owner[y, x] == index[:, None, None]
        mine[:, 1:] &= y[:, 1:] > y[:, :-1]
        mine[:, :, 1:] &= x[:, :, 1:] > x[:, :, :-1]
        out[y.expand_as(mine)[mine], x.expand_as(mine)[mine]] = values[mine]
    return out.permute(2, 0, 1)


def _filled(plan: Plan, picture: Tensor) -> Tensor:
    """Puts plausible values where no box is, so that what lies beside such places is not drawn towards 0."""
    if plan.coverage == 1:
        return picture
    return _spread(picture, torch.from_numpy(owners(plan.boxes, plan.image_size) >= 0).to(picture.device))


def _spread(picture: Tensor, seen: Tensor) -> Tensor:
    """Fills the places of `picture` (c, h, w) that are not `seen` (h, w) with means of what is seen around them."""
    if bool(seen.all()) or picture.shape[-2:] == (1, 1):
        return picture
    weight = seen.to(picture)[None]
    total, count = (
        torch.nn.functional.avg_pool2d(part, 2, ceil_mode=True, divisor_override=1)
        for part in (picture * weight, weight)
    )
    coarse = _spread(total / count.clamp(min=1), count[0] > 0)
    up = coarse.repeat_interleave(2, -2).repeat_interleave(2, -1)
    return torch.where(seen, picture, up[:, : picture.shape[1], : picture.shape[2]])


def _painted(plan: Plan, patches: Tensor, estimate: Ripmap | None) -> Tensor:
    """Interpolates each dyadic token as part of its level, completed by `estimate`, or by its own edge repeated.

    Of a box that reaches far over the border (those of a strip) only the pixels are made that the image has, at least
    for one box of its level.
    """
    corners, size = torch.tensor(plan.boxes[:, :2]).long(), torch.tensor(plan.image_size)
    groups = []
    for (ly, lx), tokens in reversed(plan.by_level().items()):
        start, factors = corners[tokens], torch.tensor([2 ** int(ly), 2 ** int(lx)])
        groups.append((tokens, factors, start, torch.minimum(plan.cell * factors, (size - start).amax(0))))
    reach = torch.stack([(start + count).amax(0) for _, _, start, count in groups]).amax(0)
    out = patches.new_zeros((patches.shape[1], *torch.maximum(reach, size).tolist()))
    for tokens, factors, start, count in groups:
        cells = start // (plan.cell * factors)
        if estimate is None:
            around = torch.nn.functional.pad(patches[tokens], (MARGIN,) * 4, mode="replicate")
        else:
            level_y, level_x = (factor.bit_length() - 1 for factor in factors.tolist())
            around = _with_margin(estimate[level_y, level_x], cells, patches[tokens], plan.cell)
        up_y, up_x = (
            _up_matrix(plan.cell, factor, pixels).to(patches)
            for factor, pixels in zip(factors.tolist(), count.tolist(), strict=True)
        )
        y, x = (start[:, axis, None] + torch.arange(int(count[axis])) for axis in (0, 1))
        out[:, y[:, :, None], x[:, None, :]] = (up_y @ around @ up_x.T).transpose(0, 1)
    return out[:, : plan.image_size[0], : plan.image_size[1]].contiguous()


def _with_margin(level: Tensor, cells: Tensor, patches: Tensor, cell: int) -> Tensor:
    """Puts patches at their `cells` (n, 2) of a level (c, h, w) and cuts them out again with a margin."""
    rows, columns = (max(int(cells[:, axis].max()) + 1, -(-level.shape[axis + 1] // cell)) for axis in (0, 1))
    whole = windows(level, torch.zeros(1, 2, dtype=torch.long), (rows * cell, columns * cell))[0].contiguous()
    blocks = whole.view(-1, rows, cell, columns, cell)
    blocks[:, cells[:, 0], :, cells[:, 1], :] = patches
    return windows(whole, cells * cell - MARGIN, (cell + 2 * MARGIN, cell + 2 * MARGIN))


def _up_matrix(cell: int, factor: int, count: int) -> Tensor:
    """Interpolation matrix (count, cell + 2 MARGIN) from a token with its margin to its first pixels."""
    place = (torch.arange(count, dtype=torch.float64) + 0.5) / factor + MARGIN
    pixels = torch.arange(cell + 2 * MARGIN, dtype=torch.float64) + 0.5
    weight = lanczos3(place[:, None] - pixels)
    weight = weight.where(weight.abs() > FINE, 0.0)  # a pixel that lies on a sample is that sample, to the bit
    return weight / weight.sum(1, keepdim=True)
