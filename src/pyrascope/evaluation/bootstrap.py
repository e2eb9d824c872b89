"""Bootstrap intervals: how far a mean over images may be from that over all images there are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._check import shorten, whole_number


class Interval(NamedTuple):
    """An estimate and the ends of its interval."""

    estimate: float
    low: float
    high: float


def bootstrap(
    values: ArrayLike, totals: ArrayLike | None = None, resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Returns sum(values) / sum(totals) over images, with the percentile interval of a bootstrap over images.

    Images are drawn with replacement. Equal seeds draw equal images for as many images: give differences per image, and
    their interval is paired.

    Args:
        values: One number an image (n,), for instance a score, a difference, or a count of hits.
        totals: What each value is out of, positive (n,): pooled rates; None for 1, that is the mean.
        resamples: Number of draws.
        level: Share of the draws within the interval, between 0 and 1.
        seed: Of NumPy's PCG64 generator.

    Raises:
        ValueError: No values, values that are not finite, totals that do not fit, or a level outside the range.

    Example:
        >>> bootstrap([1.0, 1.0, 1.0])
        Interval(estimate=1.0, low=1.0, high=1.0)
        >>> bootstrap([3, 0], totals=[3, 1]).estimate
        0.75

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ValueError(f"values must be finite numbers (n,), at least one, got {shorten(values)}")
    out_of = np.ones_like(found) if totals is None else np.asarray(totals, dtype=np.float64)
    if out_of.shape != found.shape or not (np.isfinite(out_of) & (out_of > 0)).all():
        raise ValueError(f"totals must be positive numbers of shape {found.shape}, got {shorten(totals)}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual")
    whole_number(resamples, "resamples", 1)
    draws = np.random.default_rng(seed).integers(len(found), size=(resamples, len(found)))
    spread = found[draws].sum(1) / out_of[draws].sum(1)
    low, high = np.quantile(spread, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(found.sum() / out_of.sum()), float(low), float(high))
