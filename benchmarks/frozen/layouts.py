"""Layouts of B tokens for a frozen encoder: plans of any kind, as `frozen_encoder.py` compares them."""

import math
from collections.abc import Collection

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

import pyrascope as ps
from photos import Photo
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.grids.levels import level_grids
from pyrascope.allocation.tree.distortion import BoxSums, box_sums, recursive_distortion
from pyrascope.allocation.tree.partition import plan_partitions
from pyrascope.signal.resample import resize
from pyrascope.signal.ripmap import LevelPair
from weights import PATCH


def coarse_level(photo: Photo, budget: int) -> int:
    """Returns the finest level whose whole grid fits the budget."""
    size = photo.image.shape[1], photo.image.shape[2]
    return next(level for level, (r, c) in enumerate(level_grids(size, PATCH)) if r * c <= budget)


def only_levels(
    photo: Photo,
    budget: int,
    allowed: Collection[int],
    errors: BoxSums | None = None,
    weight: Tensor | None = None,
) -> ps.Plan:
    """Returns the square partition by rate-distortion whose boxes are of the allowed levels, as far as B lets it.

    A level that is not allowed gets no gain of its own: its boxes cost an equal share of what the next coarser allowed
    level loses there, so the best cut passes through it. One or two tokens that do not come out even stay in between.

    Args:
        photo: The photograph.
        budget: Tokens.
        allowed: Levels; the coarsest is the largest box.
        errors: What each box loses, of all square levels up to the coarsest; None for the squared error of pixels.
        weight: How much that error matters, by place; None for 1.
    """
    top = max(allowed)

    def judge(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
        known = errors or recursive_distortion(scene.image, cell, levels, scene.weight)
        found = {level: known[level].copy() for level in levels if level in known}
        for level in range(top - 1, -1, -1):
            if level not in allowed:
                found[level, level] = shared(found[level + 1, level + 1], (2, 2), found[level, level].shape)
        for ly, lx in levels:  # 2:1 boxes: half of what the square box around them loses
            if ly != lx:
                rows, columns = known[min(ly, lx), min(ly, lx)].shape
                shape = (-(-rows // 2), columns) if ly > lx else (rows, -(-columns // 2))
                found[ly, lx] = shared(found[max(ly, lx), max(ly, lx)], (1, 2) if ly > lx else (2, 1), shape)
        return found

    name = f"levels {sorted(allowed)}"
    return plan_partitions([Scene(photo.image, weight)], budget, PATCH, 1, name, judge, depths=[top + 1])[0]


def shared(sums: NDArray[np.float64], parts: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Spreads the sum of each box evenly over those of its parts along y and x that exist."""
    y, x = (np.arange(count) // part for count, part in zip(shape, parts, strict=True))
    return sums[y][:, x] / np.multiply.outer(np.bincount(y)[y], np.bincount(x)[x])


def grid_boxes(size: tuple[int, int], grid: tuple[int, int]) -> NDArray[np.float64]:
    """Returns the boxes (n, 4) of a regular grid over an image."""
    ys, xs = (np.linspace(0, side, count + 1) for side, count in zip(size, grid, strict=True))
    y, x = (index.ravel() for index in np.indices(grid))
    return np.stack([ys[y], xs[x], ys[y + 1], xs[x + 1]], 1)


def octave_below(photo: Photo, view: tuple[int, int]) -> int:
    """Returns the level whose cells are about half as large as those of a view, 0 at least."""
    step = (photo.grid[0] * photo.grid[1] / (view[0] * view[1])) ** 0.5
    return max(0, round(math.log2(step)) - 1)


def view_and_cells(photo: Photo, view: tuple[int, int], cells: Tensor, level: int) -> ps.Plan:
    """Returns the boxes of a plain view (rows, columns) of everything, then chosen cells of a level, bool, over it."""
    size, side = (photo.image.shape[1], photo.image.shape[2]), PATCH * 2**level
    place = cells.nonzero().double().numpy()
    fine = side * np.concatenate([place, place + 1], 1)
    boxes = np.concatenate([grid_boxes(size, view), np.minimum(fine, np.array(size * 2))])
    steps = [math.log2(size[axis] / view[axis] / PATCH) for axis in (0, 1)]
    levels = np.concatenate([np.tile(steps, (view[0] * view[1], 1)), np.full((len(place), 2), float(level))])
    return ps.Plan(boxes, levels, np.zeros(len(boxes)), size, PATCH, "view and cells")


def detail(photo: Photo, view: tuple[int, int]) -> Tensor:
    """Returns the squared error of a plain resize to `view`, of each native cell (rows, columns)."""
    size = photo.image.shape[1], photo.image.shape[2]
    lost = photo.image - resize(resize(photo.image, (view[0] * PATCH, view[1] * PATCH)), size)
    return torch.from_numpy(box_sums(lost.square().sum(0), (PATCH, PATCH)))


def best_cells(worth: Tensor, count: int) -> Tensor:
    """Returns the `count` cells that are worth most, bool."""
    chosen = torch.zeros(worth.numel(), dtype=torch.bool)
    chosen[worth.flatten().sort(descending=True, stable=True).indices[:count]] = True
    return chosen.view(worth.shape)


def best_window(worth: Tensor, count: int) -> Tensor:
    """Returns the `count` cells around the place whose square window is worth most: a crop, bool."""
    side = min(round(count**0.5), *worth.shape)
    sums = avg_pool2d(worth[None, None].double(), side, 1)[0, 0]
    row, column = divmod(int(sums.argmax()), sums.shape[1])
    y, x = (
        (torch.arange(size) - start - (side - 1) / 2).abs()
        for size, start in zip(worth.shape, (row, column), strict=True)
    )
    return best_cells(-torch.maximum(y[:, None], x[None]) - 1e-3 * (y[:, None] + x[None]), count)
