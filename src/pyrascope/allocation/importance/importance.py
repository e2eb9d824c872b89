"""What an importance map is, and the one way in which all of them are normalised."""

import math
from typing import Protocol

import torch
from torch import Tensor

from ...signal.resample import integrate_rows
from ..contracts.allocator import Scene


class ImportanceMap(Protocol):
    """How much each cell of an image matters.

    Maps are frozen dataclasses: their fields are their options, and their `repr` is what rebuilds them.
    """

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns float64 (rows, columns), one value a cell of `cell` px, as `normalised` makes it."""
        ...


def normalised(values: Tensor) -> Tensor:
    """Returns a map with mean 1: how many times more than the average each cell matters.

    A map without preference (all equal, zeros too) becomes exactly all ones, which means the same as no weight.

    Args:
        values: Non-negative, finite (rows, columns), at least one.

    Returns:
        float64 on the CPU, detached; from 0 to the number of cells.

    Raises:
        ValueError: not two axes, no values, or values that are negative or not finite.

    Example:
        >>> normalised(torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[0.5000, 1.0000, 1.5000]], dtype=torch.float64)
        >>> normalised(torch.zeros(1, 2))
        tensor([[1., 1.]], dtype=torch.float64)
    """
    found = values.detach().to("cpu", torch.float64)
    if found.ndim != 2 or not found.numel():
        raise ValueError(f"an importance map must have shape (rows, columns), got {tuple(found.shape)}")
    if not bool(found.isfinite().all()) or bool((found < 0).any()):
        raise ValueError("an importance map must be finite and not negative, got a value that is not; clip the map")
    peak = found.max()
    if not peak:
        return torch.ones_like(found)
    scaled = found / peak  # first by the greatest, so that the sum neither overflows nor vanishes
    return scaled / scaled.mean()


def on_cells(values: Tensor, size: tuple[int, int], cell: int) -> Tensor:
    """Returns the mean of a map over each cell, over the part of the cell that lies in the image.

    Args:
        values: (..., h', w') over the area of an image, constant within each of its pixels.
        size: Rows and columns of the image in pixels.
        cell: Side of a cell in pixels.

    Returns:
        float64 (..., rows, columns).

    Example:
        >>> on_cells(torch.tensor([[1.0, 3.0, 5.0]]), (1, 3), cell=2).round(decimals=6)
        tensor([[2., 5.]], dtype=torch.float64)
    """
    values = values.double()
    for pixels in size:
        edges = cell_edges(pixels, cell) / pixels
        values = (integrate_rows(values, edges) / edges.diff().to(values.device)[:, None]).transpose(-1, -2)
    return values


def cell_edges(pixels: int, cell: int) -> Tensor:
    """Returns the edges of the cells of an axis in pixels, float64 (n + 1,); the last cell may be cut."""
    return (torch.arange(-(-pixels // cell) + 1, dtype=torch.float64) * cell).clamp(max=pixels)


def weight_of(values: Tensor, size: tuple[int, int], cell: int) -> Tensor:
    """Returns a map of cells as a weight that lies on the image exactly, also where the last cells are cut.

    A weight (rows, columns) is spread evenly over the image, so it fits its cells only where they fill the image; this
    one repeats values so far that every edge of a cell is an edge of the weight.

    Example:
        >>> weight_of(torch.tensor([[1.0, 2.0]]), (4, 6), cell=4)
        tensor([[1., 1., 2.]])
    """
    for axis, pixels in enumerate(size):
        shared = math.gcd(pixels, cell)
        repeated = values.repeat_interleave(cell // shared, dim=axis)
        values = repeated.narrow(axis, 0, pixels // shared)
    return values


def grid_of_ones(size: tuple[int, int], cell: int) -> Tensor:
    """Returns the map without preference of an image of `size`, float64 (rows, columns)."""
    return torch.ones(-(-size[0] // cell), -(-size[1] // cell), dtype=torch.float64)
