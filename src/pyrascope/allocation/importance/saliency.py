"""Importance of what stands out: centre-surround contrast across the levels of a pyramid (Itti, Koch & Niebur)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...signal.ripmap import levels_to_one
from ..contracts.allocator import Scene
from ..ties import magnitude, margin_of
from .importance import normalised, on_cells
from .orientation import gradient
from .planes import area_levels, halved, levelled

LONGEST = 640
"""The publication's images are 640 x 480: larger ones are halved until their longer side is no longer than this."""


def centre_surround(levels: Sequence[Tensor]) -> list[Tensor]:
    """Returns the contrast of each pyramid level against all coarser ones.

    The distance (over channels) of a sample to each coarser level at its place, and to the mean of the coarsest level,
    which stands for the whole image; the mean over these surrounds.

    Args:
        levels: (c, h_l, w_l) fine to coarse, at least one; samples show areas (as in the sharp levels).

    Returns:
        One map (h_l, w_l) a level, non-negative, in the type of the levels.

    Example:
        >>> spot = torch.zeros(1, 4, 4)
        >>> spot[0, 1, 1] = 4.0
        >>> fine, coarse = centre_surround([spot, torch.nn.functional.avg_pool2d(spot, 2)])
        >>> float(fine[1, 1]), float(coarse[0, 0])
        (3.59375, 0.75)
    """
    whole = levels[-1].mean((-2, -1), keepdim=True)
    found = []
    for number, level in enumerate(levels):
        surrounds = [*levels[number + 1 :], whole]
        contrasts = (across(level, surround).square().sum(0).sqrt() for surround in surrounds)
        found.append(torch.stack(list(contrasts)).mean(0))
    return found


def across(fine: Tensor, coarse: Tensor) -> Tensor:
    """Returns `fine` (c, h, w) minus `coarse` (c, h', w'), interpolated linearly to the finer size."""
    size = (fine.shape[-2], fine.shape[-1])
    wide: Tensor = torch.nn.functional.interpolate(coarse[None], size, mode="bilinear", align_corners=False)[0]
    return fine - wide


def promote(values: Tensor) -> Tensor:
    """Returns a map scaled so that few strong peaks stay and many alike vanish: the operator N of the publication.

    The map (h, w) is scaled to the maximum 1 and multiplied by (1 - m)^2, m the mean of its other local maxima.
    Differs from the publication in that local maxima are those of a grid of 8 x 8 windows.

    Example:
        >>> one, all_alike = torch.zeros(8, 8), torch.ones(8, 8)
        >>> one[2, 3] = 5.0
        >>> float(promote(one).max()), float(promote(all_alike).max())
        (1.0, 0.0)
    """
    peak = values.max()
    if not peak:
        return torch.zeros_like(values)
    scaled = values / peak
    windows = [min(8, n) for n in scaled.shape]
    maxima = torch.nn.functional.adaptive_max_pool2d(scaled[None, None], windows)
    others = max(maxima.numel() - 1, 1)
    return scaled * (1 - (maxima.sum() - 1) / others) ** 2


def itti(image: Tensor) -> Tensor:
    """Returns the saliency map of an image: intensity, colour opponency and orientation, (h', w') over its area.

    Centre levels c = 2, 3, 4 and surrounds c + 3, c + 4 of an image with a longer side of at most 640 px (larger ones
    are halved); smaller images use finer centres, clipped to the levels that they have. Each feature's contrasts pass
    N (`promote`) and are added; the three conspicuity maps pass N and are averaged.

    Differs from the publication in that levels are halved by (1, 3, 3, 1) / 8 with samples that show areas, colour
    contrast is |RG(c) - RG(s)| (so that a plain colour has none), orientations come from the gradient rather than
    Gabor filters, and maps are added at the finest centre level. Colour opponency needs three channels.

    Args:
        image: Floating (c, h, w).

    Returns:
        Non-negative (h', w'), all zero where nothing stands out.

    Source: Itti, Koch & Niebur 1998, "A Model of Saliency-Based Visual Attention for Rapid Scene Analysis".
    """
    planes = image.detach().float() if image.dtype in (torch.float16, torch.bfloat16) else image.detach()
    while max(planes.shape[-2:]) > LONGEST:
        planes = halved(planes)
    top = levels_to_one(max(planes.shape[-2:]))
    first = min(max(top - 6, 0), 2)
    features = [planes.mean(0, keepdim=True)]
    if planes.shape[0] == 3:
        features += [torch.stack(opponents(planes))]
    levels = [area_levels(planes, first + 1)[-1] for planes in map(levelled, features)]
    margin = margin_of(image.dtype)
    sizes = [magnitude(planes), 1.0][: len(levels)]  # of intensities, and of colours, which are divided by them
    conspicuous = [_contrasts(level, top - first, margin * size) for level, size in zip(levels, sizes, strict=True)]
    conspicuous.append(_contrasts(oriented(levels[0][0]), top - first, margin * sizes[0]))
    return torch.stack([promote(found) for found in conspicuous]).mean(0)


def opponents(image: Tensor) -> tuple[Tensor, Tensor]:
    """Returns red-green and blue-yellow of RGB, each (h, w), 0 where the image is dark (below a tenth of its peak)."""
    light = image.mean(0)
    seen = light > light.max() / 10
    red, green, blue = (image / light.where(seen, 1.0) * seen).unbind(0)
    broad = (
        red - (green + blue) / 2,
        green - (red + blue) / 2,
        blue - (red + green) / 2,
        (red + green) / 2 - (red - green).abs() / 2 - blue,
    )
    r, g, b, y = (channel.clamp(min=0) for channel in broad)
    return r - g, b - y


def oriented(plane: Tensor, orientations: int = 4) -> Tensor:
    """Returns how much a plane (h, w) changes across structure at each orientation, (K, h, w).

    The length of the gradient times |cos|^3 of its angle to the normal: the tuning of four steerable bands.

    Example:
        >>> ramp = torch.arange(5.0)[:, None].expand(5, 5)  # changes downwards: horizontal structure, orientation 0
        >>> [round(float(band[2, 2]), 3) for band in oriented(ramp)]
        [1.0, 0.354, 0.0, 0.354]
    """
    y, x = gradient(plane)
    squares = (y * y + x * x).clamp(min=torch.finfo(plane.dtype).tiny)
    angles = [math.pi * k / orientations for k in range(orientations)]
    across = torch.stack([x * math.sin(angle) + y * math.cos(angle) for angle in angles]).abs()
    return across * (across * across / squares)


def _contrasts(finest: Tensor, top: int, rounding: float) -> Tensor:
    """Sum of N(|centre - surround|) over the channels, centres 0, 1, 2 and surrounds 3, 4 coarser, at the finest.

    A channel whose contrasts are nothing but `rounding` has none.
    """
    size = (finest.shape[-2], finest.shape[-1])
    levels = area_levels(finest, top + 1)
    pairs = sorted({(c, min(c + delta, top)) for c in (0, 1, 2) for delta in (3, 4) if c < top})
    total = torch.zeros(size, dtype=finest.dtype, device=finest.device)
    for centre, surround in pairs:
        contrast = across(levels[centre], levels[surround]).abs()
        contrast = contrast * (contrast.amax((-2, -1), keepdim=True) > rounding)
        promoted = torch.stack([promote(channel) for channel in contrast]).sum(0)
        total = total - across(torch.zeros_like(total)[None], promoted[None])[0]
    return total


@dataclass(frozen=True)
class Saliency:
    """What stands out from its surroundings in intensity, colour or orientation, whatever is asked."""

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        return normalised(on_cells(itti(scene.image), scene.size, cell).clamp(min=0))
