"""Windows of an image and of its sharp levels, cut many at a time."""

import numpy as np
import torch
from torch import Tensor

from .arrays import blank
from .backend import usable
from .ripmap import HALF_WEIGHTS, LevelPair, Ripmap, halve

CUTTING = "pyrascope.signal.kernels.cutting"
REACH = len(HALF_WEIGHTS)
"""Samples by which a window is longer at either end before a halving: right inside, and an even number."""


def windows(x: Tensor, start: Tensor, size: tuple[int, int]) -> Tensor:
    """Cuts windows of `size` from `x` (c, h, w) at integer corners (n, 2); edges repeat beyond the border.

    Returns (n, c, *size).

    Example:
        >>> windows(torch.arange(6.0).reshape(1, 2, 3), torch.tensor([[0, 1], [1, 2]]), (1, 2))
        tensor([[[[1., 2.]]],
        <BLANKLINE>
        <BLANKLINE>
                [[[5., 5.]]]])
    """
    if module := usable(CUTTING, x):
        planes = x.detach().contiguous().numpy()
        out = blank((len(start), len(planes), *size), planes.dtype)
        module.cut(planes, start.numpy(), out)
        return torch.from_numpy(out)
    start = start.to(x.device)
    rows, columns = (
        (start[:, axis, None] + torch.arange(size[axis], device=x.device)).clamp(0, x.shape[axis + 1] - 1)
        for axis in (0, 1)
    )
    return x[:, rows[:, :, None], columns[:, None, :]].transpose(0, 1)


def level_windows(ripmap: Ripmap, level: LevelPair, start: Tensor, cell: int) -> Tensor:
    """Cuts square windows of `cell` samples from a level, as `windows` of `ripmap[level]` would, but for rounding.

    Only square levels are made whole; what a level is finer along one axis than the other is made of windows alone.

    Args:
        ripmap: Of the image (c, h, w).
        level: (ly, lx).
        start: int64 (n, 2) corners in samples of the level, inside of it.
        cell: Side of the windows.

    Returns:
        (n, c, cell, cell).
    """
    square = min(level)
    base = ripmap[square, square]
    axis, times = (0, level[0] - square) if level[0] > square else (1, level[1] - square)
    if not times:
        return windows(base, start, (cell, cell))
    if module := usable(CUTTING, base):
        planes = base.detach().contiguous().numpy()
        out = blank((len(start), len(planes), cell, cell), planes.dtype)
        module.cut_halved(planes, start.numpy(), axis, times, np.array(HALF_WEIGHTS, planes.dtype), out)
        return torch.from_numpy(out)
    along, count, margins = start[:, axis], cell, []
    for _ in range(times):  # from the wanted samples back to those of the square level that they are made of
        margins.append((along, count))
        along, count = 2 * (along - REACH // 2), 2 * (count + REACH)
    corner = torch.stack([along, start[:, 1]] if axis == 0 else [start[:, 0], along], 1)
    cut = windows(base, corner, (count, cell) if axis == 0 else (cell, count))
    lines = cut.permute(2, 0, 1, 3) if axis == 0 else cut.permute(3, 0, 1, 2)  # the axis to halve first
    size = base.shape[1 + axis]
    for along, count in reversed(margins):
        size = -(-size // 2)
        halved = halve(lines.reshape(len(lines), -1), -2).reshape(-1, *lines.shape[1:])
        place = along + torch.arange(count)[:, None]
        index = place.clamp(0, size - 1) - along + REACH // 2  # beyond the border the last sample is repeated
        lines = _along_first(halved, index)
    return lines.permute(1, 2, 0, 3) if axis == 0 else lines.permute(1, 2, 3, 0)


def _along_first(lines: Tensor, index: Tensor) -> Tensor:
    """Takes samples `index` (t, n) of the first axis of `lines` (m, n, c, k); most windows need a plain slice of it."""
    count, first = len(index), REACH // 2
    taken = lines[first : first + count]
    other = torch.nonzero((index != torch.arange(first, first + count)[:, None]).any(0))[:, 0]
    if len(other):
        columns = other.to(lines.device)
        taken = taken.index_copy(1, columns, lines[index[:, other].to(lines.device), columns])
    return taken
