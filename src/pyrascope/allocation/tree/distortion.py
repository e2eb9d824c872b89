"""What each dyadic box would cost as one token: the weighted squared difference between image and token."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...signal.resample import resample_rows
from ...signal.ripmap import LevelPair, Ripmap, double, halve_both
from .compiled import opponent_by_kernels, recursion_by_kernels
from .measure import Measure
from .tree import SplitTree

BoxSums = dict[LevelPair, NDArray[np.float64]]
COLOUR_SHARE = 0.1
"""Share of what luminance loses in two octaves from which on the second octave of the colours is counted too."""


def recursive_distortion(image: Tensor, cell: int, levels: Sequence[LevelPair], weight: Tensor | None) -> BoxSums:
    """Returns the distortion of the boxes of each level, by recursion over the sharp levels.

    Going one level coarser along an axis adds what halving that level and interpolating it back loses, times the area
    of its pixels: D(box) = D(halves) + area * sum (level - double(halve(level)))**2. Exact for the first halving of
    a plane; for coarser boxes it neglects the (small) overlap of the bands.

    RGB is turned to one plane of luminance and two of colour differences, at right angles, so that squares add up. The
    finest octave of the colours, little in pictures, is not counted, the second one where it is more than little
    (`COLOUR_SHARE`).

    Args:
        image: Floating (c, h, w), any number of channels.
        cell: Side of a patch in pixels.
        levels: Level pairs sorted by ly + lx; with a pair, the pair one finer along its larger level.
        weight: Non-negative (h', w') over the image's area, or None for 1.

    Returns:
        Level pair -> float64 (rows, columns) of boxes, in units of squared value times pixels, summed over channels.
    """
    measure = Measure(image.shape[-2:], weight)
    if image.shape[0] != 3:
        return _recursion(image, cell, levels, measure, 0)
    luminance, colour = opponent_by_kernels(image) or _opponent(image)
    found = _recursion(luminance, cell, levels, measure, 0)
    half = halve_both(colour)
    second_octave = 4 * _energy(colour) - 16 * _energy(half)
    scale = 1.0 if weight is None else float(weight.mean()) or 1.0
    little = (2, 2) in found and second_octave * scale <= COLOUR_SHARE * found[2, 2].sum()
    colour, start = (half, 2) if little else (colour, 1)
    own = {level: (max(level[0] - start, 0), max(level[1] - start, 0)) for level in levels}
    lost = _recursion(colour, cell, sorted(set(own.values()), key=sum), measure, start)
    for level in levels[1:]:
        found[level] += _spread(lost[own[level]], start, level, found[level].shape)
    return found


def _recursion(image: Tensor, cell: int, levels: Sequence[LevelPair], measure: Measure, above: int) -> BoxSums:
    """`recursive_distortion` of an image that is itself level (above, above) of the one that `measure` knows."""
    top, skew = max(map(max, levels)), max(abs(ly - lx) for ly, lx in levels)
    found = recursion_by_kernels(image, cell, top, max(skew, 1), measure, above)
    found = found or _recursion_by_torch(image, cell, levels, measure, above)
    return {level: found[level] for level in levels}


def _recursion_by_torch(image: Tensor, cell: int, levels: Sequence[LevelPair], measure: Measure, above: int) -> BoxSums:
    ripmap, (rows, columns) = Ripmap(image), (-(-n // cell) for n in image.shape[-2:])
    found: BoxSums = {(0, 0): np.zeros((rows, columns))}
    for level in levels:
        if level != (0, 0):
            axis = 0 if level[0] >= level[1] else 1
            finer = (level[0] - 1, level[1]) if axis == 0 else (level[0], level[1] - 1)
            fine = ripmap[finer]
            error = fine - double(ripmap[level], fine.shape[axis - 2], axis - 2)
            box = (2 * cell, cell) if axis == 0 else (cell, 2 * cell)
            lost = box_sums(measure(error.square().sum(0), (finer[0] + above, finer[1] + above)), box)
            found[level] = pair_sums(found[finer], axis) + lost
    return found


def _opponent(image: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance (1, h, w) and colour differences (2, ceil(h / 2), ceil(w / 2)) of RGB, by an orthonormal matrix."""
    luminance = (image.sum(0) * 3**-0.5)[None]
    pad = [size % 2 for size in image.shape[-2:]]
    even = torch.nn.functional.pad(image[None], (0, pad[1], 0, pad[0]), mode="replicate") if any(pad) else image[None]
    red, green, blue = torch.nn.functional.avg_pool2d(even, 2)[0].unbind(0)
    return luminance, torch.stack([(red - blue) * 2**-0.5, (red - 2 * green + blue) * 6**-0.5])


def _energy(x: Tensor) -> float:
    return float(torch.dot(x.flatten(), x.flatten()))


def _spread(sums: NDArray[np.float64], start: int, level: LevelPair, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Distortion of planes from (start, start) on, on the boxes of `level`: where these are finer, they share it."""
    for axis, times in enumerate(level):
        if (parts := 2 ** max(start - times, 0)) > 1:
            sums = sums.repeat(parts, axis) / parts
    return sums[: shape[0], : shape[1]]


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
