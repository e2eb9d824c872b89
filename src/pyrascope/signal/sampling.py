"""Samples of a mipmap at any place, level and box, as texture units take them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._check import shorten, whole_number
from .arrays import Array, spatial_axes, to_planes
from .mipmap import half

Place = Tensor | NDArray[Any] | float
PROBES = 16
"""Most probes along the longer axis of a footprint; graphics hardware has the same limit."""


def sample(levels: Sequence[Array], y: Place, x: Place, level: Place = 0.0, channel_axis: int | None = None) -> Array:
    """Samples a mipmap at any places and levels: linear in both axes and between levels (trilinear).

    At a whole level and a pixel centre this is that pixel. Differentiable in the levels, the places and the level.

    Args:
        levels: What `mipmap` returned: images (..., h, w) fine to coarse, or with channels on `channel_axis`.
        y: Rows in pixels of level 0, where the centre of pixel i is i + 0.5; beyond the edges the edge repeats.
        x: Columns, likewise. The shapes of `y`, `x` and `level` broadcast to the shape s of the result.
        level: 0 is level 0, 0.5 the mean of levels 0 and 1; clamped to the levels there are.
        channel_axis: The axis of channels in `levels`.

    Returns:
        Samples (..., *s), or (*s, c) of an image (h, w, c), in the float type of the levels; NumPy for NumPy.

    Raises:
        TypeError: `levels` is not a list or tuple of one kind of array, or holds what `reduce` refuses.
        ValueError: `levels` is empty or not a mipmap.

    Example:
        >>> from pyrascope.signal.mipmap import mipmap
        >>> sample(mipmap(torch.tensor([[0.0, 4.0], [8.0, 12.0]])), 1.0, torch.tensor([0.5, 1.0]), 0.0)
        tensor([4., 6.])

    Source:
        Williams 1983, "Pyramidal Parametrics".
    """
    planes: list[Tensor] = _chain(levels, channel_axis)
    device = planes[0].device
    out = _trilinear(planes, *(_place(value, device) for value in (y, x, level)))
    return _restored(out, levels[0], channel_axis, 0)


def sample_boxes(
    levels: Sequence[Array], boxes: Place, size: tuple[int, int], probes: int = PROBES, channel_axis: int | None = None
) -> Array:
    """Reads every box from a mipmap on a grid of `size` samples, anisotropically.

    A sample of a box has a footprint of (y1 - y0) / rows by (x1 - x0) / columns pixels. It is the mean of
    n = ceil(longer / shorter) trilinear probes, at most `probes`, spread along its longer axis, at level
    log2(longer / n); sides below one pixel count as one. So long boxes stay sharp across. Differentiable in the
    levels and, except where n changes, in the boxes.

    Args:
        levels: What `mipmap` returned, as in `sample`.
        boxes: y0 x0 y1 x1 in pixels of level 0, shape (n, 4); beyond the edges the edge repeats.
        size: Rows and columns of samples in each box.
        probes: Most probes of a sample, at least 1; 1 is isotropic (trilinear) filtering, by the longer side.
        channel_axis: The axis of channels in `levels`.

    Returns:
        Patches (n, ..., *size), or (n, *size, c) of an image (h, w, c); NumPy for NumPy.

    Raises:
        TypeError: `levels` is not a list or tuple of one kind of array, or `size` or `probes` are not integers.
        ValueError: `levels` is empty or not a mipmap; boxes are not (n, 4), not finite, or without area.

    Example:
        >>> from pyrascope.signal.mipmap import mipmap
        >>> levels = mipmap(torch.arange(16.0).view(4, 4))
        >>> sample_boxes(levels, torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 1.0, 4.0, 2.0]]), (2, 1))
        tensor([[[ 3.5000],
                 [11.5000]],
        <BLANKLINE>
                [[ 3.0000],
                 [11.0000]]])

    Source:
        OpenGL extension EXT_texture_filter_anisotropic.
    """
    planes: list[Tensor] = _chain(levels, channel_axis)
    limit = whole_number(probes, "probes", 1)
    rows, columns = (whole_number(side, "size", 1) for side in size)
    place = _checked_boxes(_place(boxes, planes[0].device))
    step = (place[:, 2:] - place[:, :2]) / place.new_tensor([rows, columns])
    grid = torch.arange(rows), torch.arange(columns)
    centre = [place[:, axis, None] + (grid[axis].to(place) + 0.5) * step[:, axis, None] for axis in (0, 1)]
    long, short = step.clamp(min=1).amax(1), step.clamp(min=1).amin(1)
    # The slack keeps a ratio that is whole, but for rounding, from asking for one more probe.
    counts = (long / short - 1e-4).ceil().clamp(1, limit).detach()
    order, parts = [], []
    for count in sorted(set(counts.tolist())):
        chosen = (counts == count).nonzero()[:, 0]
        spread = (torch.arange(int(count)).to(place) + 0.5) / count - 0.5
        along = torch.nn.functional.one_hot(step[chosen].argmax(1), 2).to(place) * step[chosen]
        y, x = (centre[a][chosen][:, :, None] + (along[:, a, None] * spread)[:, None] for a in (0, 1))
        level = (long[chosen] / count).log2()[:, None, None, None]
        parts.append(_trilinear(planes, y[:, :, None], x[:, None], level).mean(-1))
        order.append(chosen)
    if not parts:
        out = planes[0].new_zeros((*planes[0].shape[:-2], 0, rows, columns))
    else:
        out = torch.cat(parts, -3).index_select(-3, torch.cat(order).argsort())
    return _restored(out.movedim(-3, 0), levels[0], channel_axis, 1)


def _trilinear(planes: list[Tensor], y: Tensor, x: Tensor, level: Tensor) -> Tensor:
    """Samples (..., *s) of levels (..., h, w) at places that broadcast to s."""
    shape = np.broadcast_shapes(y.shape, x.shape, level.shape)
    y, x, level = y.expand(shape), x.expand(shape), level.expand(shape)
    flat = torch.cat([plane.flatten(-2) for plane in planes], -1)
    sizes = torch.tensor([plane.shape[-2:] for plane in planes], device=flat.device)
    starts = sizes.prod(1).cumsum(0) - sizes.prod(1)
    out: Tensor | float = 0.0
    for index, share in _linear(level + 0.5, torch.tensor(len(planes), device=flat.device)):
        height, width = sizes[index, 0], sizes[index, 1]
        for row, above in _linear(y * (height / sizes[0, 0].to(y)), height):
            for column, left in _linear(x * (width / sizes[0, 1].to(x)), width):
                place = (starts[index] + row * width + column).flatten()
                taken = flat.index_select(-1, place).reshape((*flat.shape[:-1], *shape))
                out = out + taken * (share * above * left).to(flat.dtype)
    assert isinstance(out, Tensor)
    return out


def _linear(place: Tensor, size: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Indices and weights of the two of `size` samples around each place (sample i at i + 0.5), clamped."""
    place = torch.minimum((place - 0.5).clamp(min=0), (size - 1).to(place))
    below = torch.minimum(place.detach().floor().long().clamp(min=0), size - 1)  # a NaN must not index
    return [(below, 1 + below - place), (torch.minimum(below + 1, size - 1), place - below)]


def _chain(levels: Sequence[Array], channel_axis: int | None) -> list[Tensor]:
    """The levels as float planes (..., h, w); refuses what is not a mipmap."""
    if not isinstance(levels, list | tuple) or not levels:
        found = "none" if isinstance(levels, list | tuple) else type(levels).__name__
        kind = ValueError if isinstance(levels, list | tuple) else TypeError
        raise kind(f"levels must be a list of at least one image, got {found}; give what mipmap returned")
    if len({isinstance(level, Tensor) for level in levels}) > 1:
        raise TypeError("levels must all be tensors or all be arrays, got both; convert them to one kind")
    planes: list[Tensor] = [to_planes(level, channel_axis) for level in levels]
    for number, coarse in enumerate(planes[1:], start=1):
        *lead, height, width = planes[number - 1].shape
        expected = (*lead, half(height), half(width))
        if tuple(coarse.shape) != expected:
            raise ValueError(
                f"levels must be a mipmap: level {number} must have shape {expected} (channels first), got "
                f"{tuple(coarse.shape)}; give what mipmap returned"
            )
    return planes


def _place(value: Place, device: torch.device) -> Tensor:
    """Coordinates as a float tensor, of at least single precision."""
    place = (value if isinstance(value, Tensor) else torch.from_numpy(np.array(value, order="C"))).to(device)
    floating = place if place.is_floating_point() else place.double()
    return floating.to(torch.promote_types(floating.dtype, torch.float32))


def _checked_boxes(boxes: Tensor) -> Tensor:
    """Refuses boxes that enclose nothing."""
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes must have shape (n, 4): y0 x0 y1 x1, got {tuple(boxes.shape)}")
    fine = boxes.detach().isfinite().all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1)
    if not fine.all():
        index = int((~fine).nonzero()[0])
        found = shorten(boxes[index].tolist(), 100)
        raise ValueError(f"boxes must be finite with y0 < y1 and x0 < x1, got {found} at {index}")
    return boxes


def _restored(out: Tensor, like: Array, channel_axis: int | None, axis: int) -> Array:
    """Moves the channels of `out` from `axis` to where `like` has them: in front, or last; the kind of `like`."""
    if channel_axis is not None:
        place = channel_axis % like.ndim
        out = out.movedim(axis, place + axis if place < spatial_axes(like.shape, channel_axis)[0] else -1)
    return out if isinstance(like, Tensor) else out.detach().contiguous().cpu().numpy()
