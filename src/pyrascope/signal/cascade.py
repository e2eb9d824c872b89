"""Coarse-to-fine cascades: start on the coarse level of a pyramid, look closer where it is worth it."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .arrays import spatial_axes
from .texture import TextureStack

Level = Any
"""A tensor, an array or a `TextureStack`."""


def cascade(
    levels: Sequence[Level], predicate: Callable[[Level, Any], Any], channel_axis: int | None = None
) -> list[Any]:
    """Returns where a coarse-to-fine look stops: a boolean map per level, fine to coarse.

    The look starts at every pixel of the coarsest level. Where the predicate holds, it goes on at the pixels of the
    next finer level that lie under that pixel, else it stops there; at level 0 it stops. So the maps, each drawn
    over the pixels of level 0 that lie under its own, cover each of those exactly once. Pixel i of a level lies
    under pixel min(i // 2, n - 1) of the n of the next.

    Args:
        levels: A pyramid fine to coarse: images (..., h, w), or `TextureStack`s, of half the size from one to the
            next, rounded down (`mipmap`) or up (`gaussian_pyramid`).
        predicate: Called as predicate(level, visited), once per level from the coarsest to level 1, where `visited`
            is the boolean map (h, w) of the pixels that are looked at. Returns a boolean map (h, w) of the pixels
            to refine; what it says elsewhere does not matter, so it may compute on `level[..., visited]` alone. It
            is not called at levels where nothing is visited.
        channel_axis: The axis of channels in `levels`, where they are images; None: as in `mipmap`.

    Returns:
        Boolean maps (h, w), NumPy for NumPy and torch for torch.

    Raises:
        TypeError: The predicate returns what is not a boolean map.
        ValueError: No levels, sizes that do not halve, or a map of the wrong size from the predicate.

    Example:
        >>> from pyrascope.signal.mipmap import mipmap
        >>> levels = mipmap(torch.tensor([[9.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]), 2)
        >>> cascade(levels, lambda level, visited: level > 2)
        [tensor([[ True,  True, False, False],
                [ True,  True, False, False]]), tensor([[False,  True]])]

    Source:
        Burt 1988, "Smart sensing within a pyramid vision machine".
    """
    images = [level.data if isinstance(level, TextureStack) else level for level in levels]
    if not images:
        raise ValueError("levels must hold at least one level, got none; give what mipmap returned")
    sizes = []
    for image, level in zip(images, levels, strict=True):
        row, column = spatial_axes(image.shape, None if isinstance(level, TextureStack) else channel_axis)
        sizes.append((image.shape[row], image.shape[column]))
    for number, (fine, coarse) in enumerate(pairwise(sizes), start=1):
        if not all(have in (max(1, side // 2), (side + 1) // 2) for side, have in zip(fine, coarse, strict=True)):
            raise ValueError(
                f"levels must halve, got {coarse} at level {number} after {fine}; give them fine to coarse"
            )
    stops = [_none(size, image) for size, image in zip(sizes, images, strict=True)]
    visited = ~stops[-1]
    for number in range(len(levels) - 1, 0, -1):
        refined = visited & _map(predicate(levels[number], visited), visited)
        stops[number] = visited & ~refined
        if not refined.any():
            return stops
        rows, columns = (
            np.minimum(np.arange(side) // 2, have - 1)
            for side, have in zip(sizes[number - 1], sizes[number], strict=True)
        )
        visited = refined[rows][:, columns]
    stops[0] = visited
    return stops


def _none(size: tuple[int, int], like: Any) -> Any:
    """A boolean map of False, of the kind of `like`."""
    if isinstance(like, Tensor):
        return torch.zeros(size, dtype=torch.bool, device=like.device)
    return np.zeros(size, dtype=np.bool_)


def _map(found: Any, like: Any) -> Any:
    """Refuses an answer of the predicate that is not a boolean map like `like`."""
    if type(found) is not type(like) or found.dtype != like.dtype:
        kind = getattr(found, "dtype", type(found).__name__)
        raise TypeError(f"predicate must return a boolean {type(like).__name__}, got {kind}; compare with a threshold")
    if tuple(found.shape) != tuple(like.shape):
        raise ValueError(f"predicate must return a map {tuple(like.shape)}, got {tuple(found.shape)}; reduce channels")
    return found
