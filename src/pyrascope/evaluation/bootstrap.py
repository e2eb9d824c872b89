"""Bootstrap intervals: how far a mean over images may be from that over all images there are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._check import shorten, whole_number

ROUND = 100
"""Draws that are made at a time."""


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
    low, high = np.quantile(spread, _ends(level))
    return Interval(float(found.sum() / out_of.sum()), float(low), float(high))


def bootstraps(table: ArrayLike, resamples: int = 2000, level: float = 0.95, seed: int = 0) -> list[Interval]:
    """Returns what `bootstrap` says of each row of a table, for one set of draws, and so much faster for many rows.

    Args:
        table: One number a row and image (k, n), n at least 1.
        resamples: As `bootstrap`, and likewise the others.
        level: Likewise.
        seed: Likewise.

    Raises:
        ValueError: as `bootstrap`.

    Example:
        >>> [round(one.estimate, 3) for one in bootstraps([[0, 1, 1], [1, 1, 1]])]
        [0.667, 1.0]
    """
    rows = np.asarray(table, dtype=np.float64)
    if rows.ndim != 2 or not rows.shape[1] or not np.isfinite(rows).all():
        raise ValueError(f"table must be finite numbers (k, n), n at least 1, got {shorten(table)}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual")
    n, random = rows.shape[1], np.random.default_rng(seed)
    spread = np.empty((whole_number(resamples, "resamples", 1), len(rows)))
    for start in range(0, resamples, ROUND):
        draws = random.integers(n, size=(min(ROUND, resamples - start), n))
        draws += np.arange(len(draws))[:, None] * n
        times = np.bincount(draws.ravel(), minlength=len(draws) * n).reshape(-1, n)
        spread[start : start + ROUND] = times @ rows.T / n
    low, high = np.quantile(spread, _ends(level), axis=0)
    return [Interval(*map(float, one)) for one in zip(rows.mean(1), low, high, strict=True)]


def _ends(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2
