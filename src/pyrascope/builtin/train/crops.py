"""Batches of the first stage: crops of 36 tokens of one level, at random places of the grid."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...world.drawing import Style, drawing
from ..architecture import CELL, GRID
from .pages import page
from .targets import targets

SIDE = 6
"""Of a crop, in tokens."""
LARGE = (26, 30, 36, 44)
"""Sizes of the type for the start."""
ALL = (20, 23, 26, 30, 36)


def scaled(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns pixels as the model takes them: 0 to 255 becomes -2 to 2."""
    return (image.astype(np.float32) - np.float32(127.5)) * np.float32(1 / 63.75)


def patches(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the cells (n, 3 * 16 * 16) of an image (h, w, 3), channels first, in reading order."""
    h, w = image.shape[0] // CELL, image.shape[1] // CELL
    cut = image.reshape(h, CELL, w, CELL, 3).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(cut).reshape(h * w, -1)


def grid_boxes(rows: int, columns: int, side: float) -> NDArray[np.float64]:
    """Returns the boxes (n, 4) of a uniform grid of squares, in reading order."""
    y, x = np.meshgrid(np.arange(rows) * side, np.arange(columns) * side, indexing="ij")
    return np.stack([y.ravel(), x.ravel(), y.ravel() + side, x.ravel() + side], 1).astype(np.float64)


def halved(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the mean of each 2x2 block of an image with even sides."""
    rows = image[0::2] + image[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


def crops(random: np.random.Generator, count: int, large: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Returns patches (b, 36, 768), centres (b, 36, 2) and dense targets (b, 36, 10) of new crops.

    A quarter of the batches are one level coarser. Half of a batch are things with their numbers or words, half are
    pages.
    """
    level = int(random.random() < 0.25)
    cell = CELL << level
    side = SIDE * cell
    style = Style(side, 3 if level else 1, (56, 112) if level else (56, 88), LARGE if large else ALL, numbered=0.8)
    boxes = grid_boxes(SIDE, SIDE, cell)
    pixels, wanted, places = [], [], []
    for i in range(count):
        if i % 2:
            image, aim = page(random, style, cell)
        else:
            made = drawing(random, replace(style, points=LARGE[:2]) if large else style)
            image, aim = made.image, targets(boxes, made.things)
        values = scaled(image)
        pixels.append(patches(halved(values) if level else values))
        wanted.append(aim)
        y, x = random.integers(0, (GRID * CELL - side) // cell + 1, 2) * cell
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2 + (y, x)
        places.append(centers / (GRID * CELL))
    return (
        torch.from_numpy(np.stack(pixels)),
        torch.from_numpy(np.stack(places).astype(np.float32)),
        torch.from_numpy(np.stack(wanted)),
    )
