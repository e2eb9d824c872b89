"""The canvas: one image as a model's processor leaves it, which plans are made on and patches are cut from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....allocation.plan import Plan

SLIVER = 2.0**-10
"""Pixels."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """The pixels that the stock tower sees of one image, put together, and which stock token shows which cell.

    Attributes:
        pixels: Normalised as in `pixel_values`, (c, rows * cell * scale, columns * cell * scale).
        cell: Side of one token's patch in pixels.
        grid: Rows and columns of stock cells.
        tokens: int64 (rows, columns): the stock token of each cell, counted among the image's placeholders.
        count: Stock tokens of the image in all.
        views: How often the stock tower looks: 1, or the number of tiles and global views.
        scale: Canvas pixels per stock pixel along each axis; above 1 where the canvas is finer than the stock grid.
        size: Height and width of the source image in pixels, or None where it is not known.
        region: y0, x0, y1, x1 of the part of the source that the canvas shows, in source pixels; None: all of it.
    """

    pixels: Tensor
    cell: int
    grid: tuple[int, int]
    tokens: Tensor
    count: int
    views: int = 1
    scale: int = 1
    size: tuple[int, int] | None = None
    region: tuple[float, float, float, float] | None = None

    @property
    def packs(self) -> bool:
        """Whether one packed pass over the stock grid is the stock encoding."""
        return self.views == 1 and self.count == self.grid[0] * self.grid[1]

    @property
    def fine_grid(self) -> tuple[int, int]:
        """Rows and columns of cells at the canvas's own resolution."""
        return self.grid[0] * self.scale, self.grid[1] * self.scale

    def boxes(self, plan: Plan) -> NDArray[np.float64]:
        """Returns the boxes (n, 4) that the plan's patches show, in stock cells; they may reach over the border."""
        corner = plan.boxes[:, :2]
        side = plan.cell * np.exp2(plan.levels.astype(np.float64))
        return np.concatenate([corner, corner + side], 1) / (self.cell * self.scale)

    def in_source(self, plan: Plan) -> Plan:
        """Returns the plan in source pixels, or as it is where the source is not known.

        Boxes are clipped to the source; of one that shows only what the processor padded, a sliver at the border stays.
        """
        if self.size is None:
            return plan
        y0, x0, y1, x1 = self.region or (0.0, 0.0, *map(float, self.size))
        corner = np.array([y0, x0])
        step = (np.array([y1, x1]) - corner) / plan.image_size
        boxes = plan.boxes * np.tile(step, 2) + np.tile(corner, 2)
        border = np.array(self.size, dtype=np.float64)
        boxes[:, :2] = np.clip(boxes[:, :2], 0, border - SLIVER)
        boxes[:, 2:] = np.clip(boxes[:, 2:], boxes[:, :2] + SLIVER, border)
        return Plan(boxes, plan.levels + np.log2(step), plan.scores, self.size, plan.cell, plan.method)


def raster(rows: int, columns: int) -> Tensor:
    """Returns the token of each cell where a grid is one view in reading order: int64 (rows, columns).

    >>> raster(2, 3)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return torch.arange(rows * columns).reshape(rows, columns)


def whole_view(pixels: Tensor, cell: int) -> Canvas:
    """Returns an image (c, h, w) that the tower sees in one view; what fills no cell is left out, as stock does."""
    rows, columns = (side // cell for side in pixels.shape[-2:])
    shown = pixels[:, : rows * cell, : columns * cell]
    return Canvas(shown, cell, (rows, columns), raster(rows, columns), rows * columns)
