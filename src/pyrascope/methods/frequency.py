"""More tokens where the Laplacian pyramid has more energy."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..allocation.allocator import Scene
from ..allocation.distortion import BoxSums, box_sums, pair_sums
from ..allocation.measure import Measure
from ..allocation.partition import plan_partitions
from ..allocation.plan import Plan
from ..signal.laplacian import laplacian_pyramid
from ..signal.ripmap import LevelPair


@dataclass(frozen=True)
class Frequency:
    """Square boxes, split where the band that the finer level adds has the most energy.

    A box of level l leaves out the Laplacian bands 0 .. l - 1 (Burt-Adelson); their energy within the box, times the
    area of a band's pixel, is what splitting can gain. The plan partitions the image; every budget from 1 to the full
    grid is met exactly. A token's score is the band energy that its split added.

    A simple proxy, kept because the field uses it: these bands are softer than the levels that tokens are read from
    (compare `RateDistortion`, whose gain is the distortion itself).

    Source: frequency-aware allocation by band energy; bands of Burt and Adelson (1983).
    """

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan an image under one budget, split where the bands of any of them have the most energy."""
        return plan_partitions(scenes, budget, cell, 1, repr(self), _band_energy)


def _band_energy(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
    """Energy of the bands that a box of each level leaves out; a 2:1 box leaves out half of its last band."""
    image, measure = scene.image, Measure(scene.size, scene.weight)
    bands = laplacian_pyramid(image, levels=max(levels)[0] + 1)
    found: BoxSums = {(0, 0): box_sums(torch.zeros_like(image[0]), (cell, cell))}
    for fine, band in enumerate(bands[:-1]):
        energy = measure(band.square().sum(0), (fine, fine))
        for axis, level in enumerate([(fine + 1, fine), (fine, fine + 1)]):
            box = (2 * cell, cell) if axis == 0 else (cell, 2 * cell)
            found[level] = pair_sums(found[fine, fine], axis) + box_sums(energy, box) / 2
        found[fine + 1, fine + 1] = pair_sums(pair_sums(found[fine, fine], 0), 1) + box_sums(
            energy, (2 * cell, 2 * cell)
        )
    return found
