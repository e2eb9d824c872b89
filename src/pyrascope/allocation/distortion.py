"""What each dyadic box would cost as one token: the weighted squared difference between image and token."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..signal.resample import integrate_rows, resample_rows
from ..signal.ripmap import LevelPair, Ripmap, double
from .tree import SplitTree

BoxSums = dict[LevelPair, NDArray[np.float64]]


def recursive_distortion(image: Tensor, cell: int, levels: Sequence[LevelPair], weight: Tensor | None) -> BoxSums:
    """Returns the distortion of the boxes of each level, by recursion over the sharp levels.

    Going one level coarser along an axis adds what halving that level and interpolating it back loses, times the area
    of its pixels: D(box) = D(halves) + area * sum (level - double(halve(level)))**2. Exact for the first halving; for
    coarser boxes it neglects the (small) overlap of the bands.

    Args:
        image: Floating (c, h, w), any number of channels.
        cell: Side of a patch in pixels.
        levels: Level pairs sorted by ly + lx; with a pair, the pair one finer along its larger level.
        weight: Non-negative (h', w') over the image's area, or None for 1.

    Returns:
        Level pair -> float64 (rows, columns) of boxes, in units of squared value times pixels, summed over channels.
    """
    ripmap, measure = Ripmap(image), Measure(image.shape[-2:], weight)
    found: BoxSums = {}
    for level in levels:
        if level == (0, 0):
            found[level] = box_sums(torch.zeros_like(image[:1]), (cell, cell))
            continue
        axis = 0 if level[0] >= level[1] else 1
        finer = (level[0] - 1, level[1]) if axis == 0 else (level[0], level[1] - 1)
        fine = ripmap[finer]
        lost = fine - double(ripmap[level], fine.shape[axis - 2], axis - 2)
        box = (2 * cell, cell) if axis == 0 else (cell, 2 * cell)
        added = box_sums(measure(lost.square().sum(0), finer), box)
        found[level] = added + pair_sums(found[finer], axis)
    return found


def direct_distortion(image: Tensor, cell: int, levels: Sequence[LevelPair], weight: Tensor | None) -> BoxSums:
    """As `recursive_distortion`, but each level is interpolated to the image's size and compared with the image.

    The oracle of the recursion: exact for a token whose neighbours have its own level, and slow (one resize a level).
    """
    ripmap, measure = Ripmap(image), Measure(image.shape[-2:], weight)
    found: BoxSums = {}
    for ly, lx in levels:
        shown = ripmap[ly, lx]
        for axis, level in ((-2, ly), (-1, lx)):
            centres = (torch.arange(image.shape[axis], dtype=torch.float64) + 0.5) / 2**level
            rows = resample_rows(shown.transpose(-2, axis), centres, 2.0**-level, "cubic")
            shown = rows.transpose(-2, axis)
        lost = (image - shown).square().sum(0)
        found[ly, lx] = box_sums(measure(lost, (0, 0)), (cell * 2**ly, cell * 2**lx))
    return found


def on_nodes(tree: SplitTree, sums: Sequence[BoxSums]) -> NDArray[np.float64]:
    """Returns the box sums of each grid in the order of the tree's nodes."""
    return np.concatenate([sums[block.grid][block.level].ravel() for block in tree.blocks])


def levels_of(tree: SplitTree, grid: int) -> list[LevelPair]:
    """Returns the level pairs of one grid of the tree, sorted by ly + lx."""
    return [block.level for block in tree.blocks if block.grid == grid]


class Measure:
    """Multiplies a map of a level by the weight and area of the level's pixels, of their part inside the image."""

    def __init__(self, size: Sequence[int], weight: Tensor | None) -> None:
        self._size, self._weight = size, weight

    def __call__(self, values: Tensor, level: LevelPair) -> Tensor:
        """Returns `values` (rows, columns) of `level`, each times the integral of the weight over its pixel."""
        if self._weight is None:
            values = values * float(2 ** sum(level))
            for axis, (pixels, times) in enumerate(zip(self._size, level, strict=True)):
                values.select(axis, -1).mul_(pixels / 2**times - (values.shape[axis] - 1))
            return values
        mass = self._weight
        for pixels, times in zip(self._size, level, strict=True):
            edges = (torch.arange(-(-pixels // 2**times) + 1, dtype=torch.float64) * 2**times).clamp(max=pixels)
            mass = integrate_rows(mass, edges / pixels).transpose(-1, -2) * pixels
        return values * mass.to(values.dtype)


def box_sums(values: Tensor, box: tuple[int, int]) -> NDArray[np.float64]:
    """Sums `values` (..., h, w) over boxes from the top left; the last ones may be cut by the border."""
    rows, columns = (-(-n // side) for n, side in zip(values.shape[-2:], box, strict=True))
    below, right = rows * box[0] - values.shape[-2], columns * box[1] - values.shape[-1]
    padded = torch.nn.functional.pad(values, (0, right, 0, below))
    sums = padded.reshape(rows, box[0], columns, box[1]).sum(3).sum(1)
    return sums.double().cpu().numpy()


def pair_sums(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Sums neighbours 0 + 1, 2 + 3, ... along an axis; a last one without a partner stays."""
    return np.add.reduceat(values, np.arange(0, values.shape[axis], 2), axis)
