"""How well a map predicts where people look: NSS, AUC-Judd and shuffled AUC.

All take a map (h, w), of which the last two use the order alone, and fixations as counts on the same grid, as
`fixation_map` makes them. As in their sources, NSS and AUC-Judd ask whether a pixel was fixated, not how often.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..._check import shorten, whole_number


def fixation_map(points: ArrayLike, size: Sequence[int]) -> Tensor:
    """Returns how many fixations fell on each pixel: int64 (h, w).

    Args:
        points: (y, x) of fixations in pixels (n, 2); pixel i holds coordinates i to i + 1.
        size: Height and width.

    Raises:
        ValueError: Points that are not pairs, or lie outside the image.

    Example:
        >>> fixation_map([(0.5, 2.9), (0.0, 2.0), (1.0, 0.0)], (2, 3))
        tensor([[0, 0, 2],
                [1, 0, 0]])
    """
    height, width = (whole_number(side, "size", 1) for side in size)
    found = np.asarray(points, dtype=np.float64).reshape(-1, 2) if np.size(points) else np.zeros((0, 2))
    inside = (found >= 0).all(1) & (found < (height, width)).all(1)
    if not inside.all():
        raise ValueError(f"points must lie within the {height}x{width} image, got {found[~inside][0].tolist()} (y, x)")
    y, x = found.astype(np.int64).T
    return torch.from_numpy(np.bincount(y * width + x, minlength=height * width).reshape(height, width))


def nss(saliency: Tensor, fixations: Tensor) -> float:
    """Returns the normalised scanpath saliency: the mean z-score of the map at fixated pixels; chance is 0.

    A constant map has 0. The standard deviation is that of all pixels.

    Example:
        >>> round(nss(torch.tensor([[0.0, 0.0, 0.0, 1.0]]), torch.tensor([[0, 0, 0, 1]])), 4)
        1.7321

    Source: Peters, Iyer, Itti and Koch 2005; Bylinskii et al., "What do different evaluation metrics tell us about
        saliency models?", TPAMI 2019, section 4.2.
    """
    values, fixated = _checked(saliency, fixations)
    spread = values.std(correction=0)
    if spread <= 1e-12 * values.abs().max():
        return 0.0
    return float((values[fixated].mean() - values.mean()) / spread)


def auc_judd(saliency: Tensor, fixations: Tensor) -> float:
    """Returns how often a fixated pixel has a larger value than one that is not, the area under the ROC curve.

    Chance is 0.5; ties count half.

    Example:
        >>> auc_judd(torch.tensor([[0.0, 1.0, 2.0, 3.0, 2.0]]), torch.tensor([[0, 0, 1, 0, 0]]))
        0.625

    Source: Judd, Durand and Torralba 2012; Bylinskii et al. 2019, section 4.1. Differs from their code in being the
        exact area: the code breaks ties by noise and has thresholds at fixated values only, joined by straight
        lines, which adds at most 1 / (2 n) for n fixated pixels.
    """
    values, fixated = _checked(saliency, fixations)
    if fixated.all():
        raise ValueError("fixations must leave a pixel out, got one on every pixel")
    return _wins(values, fixated, (~fixated).long())


def auc_shuffled(saliency: Tensor, fixations: Tensor, others: Tensor) -> float:
    """Returns how often a fixated pixel has a larger value than one fixated in other images; chance is 0.5.

    Ties count half. Since people look at the centre of any image, a map of the centre alone is near 0.5.

    Args:
        saliency: (h, w).
        fixations: Of this image, counts (h, w); a pixel is fixated or not.
        others: Fixations of other images (h, w), each as often as it is counted.

    Example:
        >>> auc_shuffled(torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0, 1, 0]]), torch.tensor([[3, 0, 1]]))
        0.75

    Source: Zhang et al., "SUN: A Bayesian framework for saliency using natural statistics", J. Vision 2008; Borji,
        Sihite and Itti 2013. The latter average over random draws from the other fixations; this is the exact mean
        that such draws approach.
    """
    values, fixated = _checked(saliency, fixations)
    if others.shape != saliency.shape or others.is_floating_point() or (others < 0).any() or not others.any():
        raise ValueError(f"others must be counts of the map's shape {tuple(saliency.shape)}, at least one fixation")
    return _wins(values, fixated, others)


def _wins(values: Tensor, fixated: Tensor, against: Tensor) -> float:
    """Share of the pairs of a fixated pixel and one of those counted in `against` where the first is larger."""
    ordered, order = values.flatten().sort()
    below = torch.cat([against.new_zeros(1), against.flatten()[order].cumsum(0)]).double()
    positive = values[fixated].contiguous()
    both = below[torch.searchsorted(ordered, positive)] + below[torch.searchsorted(ordered, positive, right=True)]
    return float(both.mean() / (2 * below[-1]))


def _checked(saliency: Tensor, fixations: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the map as float64 and where it is fixated."""
    if saliency.ndim != 2 or saliency.is_complex() or not saliency.isfinite().all():
        raise ValueError(f"saliency must be a finite map (h, w), got {tuple(saliency.shape)} {shorten(saliency.dtype)}")
    if fixations.shape != saliency.shape or fixations.is_floating_point() or not fixations.any():
        raise ValueError(
            f"fixations must be counts of the map's shape {tuple(saliency.shape)}, at least one fixation, "
            f"got {tuple(fixations.shape)} {shorten(fixations.dtype)}, {int(fixations.sum())} in all"
        )
    return saliency.double(), fixations > 0
