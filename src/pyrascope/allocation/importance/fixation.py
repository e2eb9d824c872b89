"""Importance around where one looks: cortical magnification, and fixations where none are given."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..._check import one_of, shorten, whole_number
from ..contracts.allocator import Scene
from ..ties import ALIKE, FINE, first_of_largest
from .importance import cell_edges, normalised
from .query import has_query, query_map
from .saliency import Saliency

E0_DEGREES = 0.75
M0_MILLIMETRES = 17.3
"""Human primary visual cortex: M(e) = 17.3 / (e + 0.75) mm per degree (Horton & Hoyt 1991)."""

Source = Literal["auto", "context", "query", "saliency"]
SOURCES = ("auto", "context", "query", "saliency")


def magnification(eccentricity: Tensor, e0: float, m0: float = 1.0) -> Tensor:
    """Returns the linear cortical magnification M(e) = m0 / (e + e0).

    Args:
        eccentricity: Distance to the fixation, at least 0, in any unit.
        e0: The eccentricity at which M is half its peak m0 / e0, in the same unit, above 0.
        m0: 17.3 mm for humans with e0 = 0.75 degrees.

    Example:
        >>> magnification(torch.tensor([0.0, 0.75, 10.0]), e0=0.75, m0=17.3)
        tensor([23.0667, 11.5333,  1.6093])

    Source: Horton & Hoyt 1991, "The Representation of the Visual Field in Human Striate Cortex".
    """
    return m0 / (eccentricity + e0)


def areal_magnification(eccentricity: Tensor, e0: float, m0: float = 1.0) -> Tensor:
    """Returns M(e)^2: cortical area per area of the visual field, and so how dense tokens are."""
    return magnification(eccentricity, e0, m0) ** 2


def level(eccentricity: Tensor, e0: float) -> Tensor:
    """Returns log2(M(0) / M(e)) = log2(1 + e / e0): how many pyramid levels coarser than at the fixation.

    Example:
        >>> level(torch.tensor([0.0, 0.75, 2.25]), e0=0.75)
        tensor([0., 1., 2.])
    """
    return torch.log2(1 + eccentricity / e0)


def eccentricity(size: tuple[int, int], cell: int, fixations: Tensor) -> Tensor:
    """Returns the distance in pixels of each cell's centre to the nearest of the fixations.

    Args:
        size: Rows and columns of the image in pixels.
        cell: Side of a cell in pixels; of a cut cell the centre of what is in the image counts.
        fixations: (n, 2) as (y, x) in source pixels, at least one.

    Returns:
        float64 (rows, columns).
    """
    y, x = (centres(pixels, cell) for pixels in size)
    points = fixations.double()
    squares = (y - points[:, :1]).square()[:, :, None] + (x - points[:, 1:]).square()[:, None]
    return squares.amin(0).sqrt()


def centres(pixels: int, cell: int) -> Tensor:
    """Returns the centres of the cells of an axis in pixels."""
    edges = cell_edges(pixels, cell)
    return (edges[1:] + edges[:-1]) / 2


def scan(values: Tensor, size: tuple[int, int], cell: int, count: int = 1, radius: float | None = None) -> Tensor:
    """Returns where the greatest values of a map are, one after the other, with inhibition of return.

    The winner takes all; then the values of all cells within `radius` of it are taken away, and the next one is found.
    Among equals (less than a share of `ties.ALIKE` apart) the one nearest to the middle of the image wins, of these the
    first in reading order, so that a flat map is looked at in its middle.

    Args:
        values: Non-negative (rows, columns), one a cell.
        size: Rows and columns of the image in pixels.
        cell: Side of a cell in pixels.
        count: How many fixations; fewer come back where nothing is left.
        radius: In pixels; None: a sixth of the shorter side, as in the publication.

    Returns:
        float64 (n, 2) with 1 <= n <= count, (y, x) in source pixels, the centres of cells.

    Source: Itti, Koch & Niebur 1998, section II.C. Differs from the publication in that the winner is found at once
    rather than by a network in time.
    """
    y, x = (centres(pixels, cell) for pixels in size)
    reach = min(size) / 6 if radius is None else radius
    left = values.double().clone()
    middle = (y - size[0] / 2).square()[:, None] + (x - size[1] / 2).square()
    found: list[tuple[float, float]] = []
    for _ in range(count):
        peak = left.max()
        if found and not peak > 0:
            break
        nearest = -middle.where(left >= peak * (1 - ALIKE), math.inf).flatten()
        at = int(first_of_largest(nearest, FINE * middle.max()))
        row, column = divmod(at, left.shape[1])
        found.append((float(y[row]), float(x[column])))
        distance = (y - y[row]).square()[:, None] + (x - x[column]).square()
        left = left.where(distance > reach * reach, 0.0)
        left[row, column] = 0.0
    return torch.tensor(found, dtype=torch.float64)


def fixations(
    scene: Scene, cell: int = 16, source: Source = "auto", count: int = 1, radius: float | None = None
) -> Tensor:
    """Returns where the viewer looks, float64 (n, 2) as (y, x) in source pixels, n from 1 to `count` if found.

    Args:
        scene: The image, with what is known besides.
        cell: Side of a cell in pixels, the precision of what is found.
        source: "context" takes those that the context gives (all of them), "query" the peaks of its query or attention
            map, "saliency" those of the saliency map; "auto" the first of these that there is.
        count: How many are found, with inhibition of return (`scan`).
        radius: Of the inhibition, see `scan`.

    Raises:
        ValueError: the context lacks what `source` needs.
    """
    one_of(source, "source", SOURCES)
    given = scene.context.fixations
    if source == "context" and given is None:
        raise ValueError("fixations from the context need context.fixation, got None; give it or use source='auto'")
    if given is not None and source in ("auto", "context"):
        return given
    asked = source == "query" or (source == "auto" and has_query(scene.context))
    values = query_map(scene, cell) if asked else Saliency()(scene, cell)
    return scan(values, scene.size, cell, count, radius)


@dataclass(frozen=True)
class Fixation:
    """Cortical magnification around one or several fixations; the nearest one counts.

    Attributes:
        e0: Eccentricity at which M is half its peak, in degrees of visual angle: 0.75 for humans.
        pixels_per_degree: 32 at about 57 cm from a common screen; 1 makes `e0` a number of pixels.
        power: Of M: 2 for the cortical area per area of the image, 1 for length.
        source: Where fixations come from, see `fixations`.
        count: How many are found where none are given.
    """

    e0: float = E0_DEGREES
    pixels_per_degree: float = 32.0
    power: float = 2.0
    source: Source = "auto"
    count: int = 1

    def __post_init__(self) -> None:
        for name in ("e0", "pixels_per_degree", "power"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ValueError(f"{name} must be a finite number above 0, got {shorten(value)}")
        one_of(self.source, "source", SOURCES)
        whole_number(self.count, "count", 1)

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        points = fixations(scene, cell, self.source, self.count)
        degrees = eccentricity(scene.size, cell, points) / self.pixels_per_degree
        return normalised((magnification(degrees, self.e0) * self.e0) ** self.power)
