"""Exact integer budgets: what can be asked for, and how a total is shared."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._check import shorten, whole_number
from ..plan import grid_of
from ..ties import FINE, ROUNDED


def check_budget(budget: object, sizes: Sequence[tuple[int, int]], cell: int, method: str) -> int:
    """Returns `budget` as an int if images of these sizes can be given exactly that many tokens.

    Raises:
        ValueError: no budget, or one outside the range, which the message names.
        TypeError: no integer.
    """
    grids = [grid_of(size, cell) for size in sizes]
    most = sum(rows * columns for rows, columns in grids)
    if len(sizes) == 1:
        (height, width), (rows, columns) = sizes[0], grids[0]
        reach = f"a {height}x{width} px image has {rows}x{columns} cells of {cell} px"
    else:
        reach = f"the {len(sizes)} images have {most} cells of {cell} px, and each needs a token"
    if budget is None:
        raise ValueError(f"{method} needs a budget from {len(sizes)} to {most}, got none; {reach}")
    return whole_number(budget, "budget", len(sizes), most, hint=reach)


def budget_by_size(sizes: Sequence[tuple[int, int]], budget: object, cell: int, method: str) -> NDArray[np.int64]:
    """Returns the checked budget shared among images in proportion to their cells, at least one token each."""
    total = check_budget(budget, sizes, cell, method)
    cells = np.array([rows * columns for rows, columns in (grid_of(size, cell) for size in sizes)])
    return _webster(cells / cells.max(), total, np.ones_like(cells), cells, FINE)


def allocate(importance: ArrayLike, budget: int, minimum: int = 1, maximum: int | ArrayLike = 400) -> NDArray[np.int64]:
    """Shares `budget` tokens among regions in proportion to their importance, exactly.

    Guarantees: the sum is exactly `budget`; every entry lies in minimum..maximum; a region never gets less for a
    larger budget, nor less than one that is less important; ties go to the first region. Claims to the next token tie
    where they differ by rounding alone: by less than a share of 1e-6 for float32 importance, of 1e-12 for float64 and
    whole numbers. Rounding is by the divisor method of Webster (Sainte-Lague). It agrees with largest remainders but
    for their paradox, that a larger budget can cost a region a token. Regions of no importance share evenly what the
    others cannot take.

    Args:
        importance: Non-negative, finite, any shape; only ratios matter.
        budget: Tokens in total.
        minimum: Fewest tokens of a region, >= 0.
        maximum: Most tokens of a region: one number for all, or whole numbers of the shape of `importance`.

    Returns:
        int64, of the shape of `importance`.

    Raises:
        ValueError: the budget cannot be met within the bounds (the message names the range), or the importance is
            negative, not finite or empty.

    Example:
        >>> allocate([[6.0, 3.0], [1.0, 0.0]], 20, minimum=1, maximum=10)
        array([[10,  7],
               [ 2,  1]])

    Source: Balinski and Young, "Fair Representation" (1982), on divisor methods and their monotonicity.
    """
    try:
        weights = np.asarray(importance)
    except ValueError:
        raise ValueError(f"importance must be numbers in rows of equal length, got {shorten(importance)}") from None
    if weights.dtype.kind not in "iuf" or not weights.size:
        raise ValueError(f"importance must be numbers, at least one, got {shorten(importance)}")
    margin = ROUNDED if weights.dtype in (np.float32, np.float16) else FINE
    return share_out(weights.astype(np.float64), budget, minimum, maximum, margin)


def share_out(
    weights: NDArray[np.float64], budget: int, minimum: int, maximum: int | ArrayLike, margin: float
) -> NDArray[np.int64]:
    """As `allocate`, of float64 weights; claims tie within a share `margin` of each other."""
    valid = np.isfinite(weights) & (weights >= 0)
    if not valid.all():
        raise ValueError(f"importance must be finite and not negative, got {weights[~valid].flat[0]}")
    low = whole_number(minimum, "minimum", 0)
    high = _maxima(maximum, low, weights.shape)
    regions = f"{weights.size} regions of {low} to {high.max()} tokens"
    total = whole_number(budget, "budget", low * weights.size, int(high.sum()), hint=regions)
    flat, counts = weights.ravel(), np.full(weights.size, low, dtype=np.int64)
    for group in (flat > 0, flat == 0):
        taken = min(total - int(counts[~group].sum()), int(high[group].sum()))
        share = np.where(flat[group] > 0, flat[group], 1.0)
        counts[group] = _webster(share, taken, np.full_like(counts[group], low), high[group], margin)
    return counts.reshape(weights.shape)


def _maxima(maximum: int | ArrayLike, low: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Returns the most tokens of each region, flat; at least `low`, and not all 0."""
    if np.ndim(maximum) == 0:
        return np.full(math.prod(shape), whole_number(maximum, "maximum", max(low, 1), 2**31), dtype=np.int64)
    found = np.asarray(maximum)
    if found.shape != shape or found.dtype.kind not in "iu":
        raise ValueError(f"maximum must be a whole number, or whole numbers of shape {shape}, got {shorten(maximum)}")
    if found.min() < low or found.max() > 2**31:
        raise ValueError(f"maximum must lie from {low} (the minimum) to {2**31} everywhere, got {shorten(maximum)}")
    return found.astype(np.int64).ravel()


def _webster(
    share: NDArray[np.float64], total: int, low: NDArray[np.int64], high: NDArray[np.int64], margin: float
) -> NDArray[np.int64]:
    """Positive shares to integers in low..high with sum `total`: each next token to the largest share / (n + 1/2).

    Of claims within a share `margin` of the largest, the first region's is met first.
    """
    if not len(share):
        return low
    logarithm = np.log2(share)

    def counts(exponent: float) -> NDArray[np.int64]:
        scaled = np.minimum(np.exp2(np.minimum(logarithm + exponent, 62)), high)
        return np.clip(np.ceil(scaled - 0.5), low, high).astype(np.int64)

    below, above = -float(logarithm.max()) - 2, 64 - float(logarithm.min())
    while above - below > 1e-9:
        exponent = (below + above) / 2
        if counts(exponent).sum() <= total:
            below = exponent
        else:
            above = exponent
    found = counts(below - max(1e-9, 4 * margin))  # a little less, so that ties are settled here, one after the other:
    while left := total - int(found.sum()):
        claim = np.where(found < high, share / (2 * found + 1), -np.inf)
        found[np.flatnonzero(claim >= claim.max() * (1 - margin))[:left]] += 1
    return found
