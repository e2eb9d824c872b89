"""Which tokens to keep, exactly so many: the best, the most diverse, both at once, or the best of every tile.

Each rule takes tensors on any device and returns int64 indices on the same one, in the order in which they were picked.
Of equals the first wins, and what differs by rounding alone is equal (`ties`): a unit in the last place of an input
changes no pick. Work is done in float64, without a loop over tokens: the greedy rules take one vectorised step a pick.
"""

import torch
from torch import Tensor

from ..._check import shorten, whole_number
from ..ties import FINE, ROUNDED, first_of_largest, margin_of, ranked, settled
from .budget import share_out

DEPENDENT = {FINE: 1e-12, ROUNDED: 16 * ROUNDED**2}
"""Margin -> squared sine of the angle to the span of the picked tokens up to which a token is their combination."""


def top_k(scores: Tensor, count: int, margin: float | None = None, size: float = 0.0) -> Tensor:
    """Returns the indices of the `count` largest scores along the last axis, falling; of equals the first wins.

    Scores count as equal within `margin` of one another, as a share of their size. The order is the same for every
    count, so a smaller one keeps a part of what a larger one keeps.

    Args:
        scores: Numbers (..., n); infinite ones are allowed.
        count: From 0 to n.
        margin: None: what rounding of the scores' own type may change (`margin_of`).
        size: Size of the terms from which the scores came, where these may cancel: it adds to that of the scores.

    Returns:
        int64 (..., count).

    Raises:
        ValueError: A count outside the range, or scores that are NaN.

    Example:
        >>> top_k(torch.tensor([0.5, 2.0, 0.5, 1.0]), 3)
        tensor([1, 3, 0])
    """
    _check_scores(scores, "scores")
    whole_number(count, "count", 0, scores.shape[-1], hint="that many tokens there are")
    return ranked(scores, margin_of(scores.dtype) if margin is None else margin, size)[..., :count]


def max_min(features: Tensor, count: int, weights: Tensor | None = None, seeds: Tensor | None = None) -> Tensor:
    """Returns tokens that are far from one another: each pick is the farthest from those picked before (DivPrune).

    The distance is D(i, j) = 1 - cos(f_i, f_j). The first pick is the token whose nearest neighbour is farthest; then
    always argmax over j of w_j min over picked i of D(i, j), the first of those whose distance is within the margin of
    the type (`margin_of`) of that. A zero vector is at distance 1 from every other.

    Args:
        features: Finite (n, d).
        count: From 0 to n, seeds included.
        weights: w: finite, not negative (n,), or None for 1; they weigh the first pick's distance too.
        seeds: Indices (m,) of tokens that are picked already, m <= count; they come first, instead of the first pick.

    Returns:
        int64 (count,), no index twice. Where nothing but duplicates is left, those follow in their order.

    Raises:
        ValueError: A count outside the range, weights or seeds that do not fit, or features that are not finite.

    Example:
        >>> max_min(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [-1.0, 0.2]]), 3)
        tensor([2, 0, 3])

    Source: Alvar et al. 2025, "DivPrune: Diversity-based Visual Token Pruning", algorithm 1. Differs from the
        publication in having weights and seeds.
    """
    unit = _unit(features)
    n = len(unit)
    whole_number(count, "count", 0, n, hint="that many tokens there are")
    weight = _not_negative(weights, n, "weights").to(unit.device)
    picked = _check_seeds(seeds, n, count).to(unit.device)
    free = torch.ones(n, dtype=torch.bool, device=unit.device)
    free[picked] = False
    if len(picked) == count:
        return picked
    nearest = _nearest(unit, picked if len(picked) else None)
    picks, margin = list(picked), margin_of(features.dtype)
    while len(picks) < count:
        pick = first_of_largest(torch.where(free, weight * nearest, -torch.inf), weight * margin)
        free[pick] = False
        distance = (1 - unit @ unit[pick]).clamp(min=0)
        nearest = torch.minimum(nearest, distance) if picks else distance
        picks.append(pick)
    return torch.stack(picks)


def dpp(features: Tensor, count: int, relevance: Tensor | None = None) -> Tensor:
    """Returns tokens that are relevant and diverse at once: greedy MAP of a determinantal point process (CDPruner).

    The kernel is L = diag(r) S diag(r), S the cosine similarities: each pick is the token that makes det(L_picked)
    largest, which is argmax over j of r_j^2 times the squared sine of the angle between f_j and the span of those
    picked (by incremental Cholesky). Where no token is left that raises the rank of L above the number picked, the
    determinant is 0 whatever comes next: the rest is the most relevant of those left. Of equals the first wins:
    tokens that point the same way, relevances and squared sines count as equal within the margin of the features' type
    (`margin_of`).

    Args:
        features: Finite (n, d); a zero vector has similarity 0 to all, itself included.
        count: From 0 to n.
        relevance: r: finite, not negative (n,), or None for 1. Only ratios matter.

    Returns:
        int64 (count,), no index twice.

    Raises:
        ValueError: A count outside the range, relevance that does not fit, or features that are not finite.

    Example:
        >>> dpp(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), 3, torch.tensor([0.9, 1.0, 0.5]))
        tensor([1, 2, 0])

    Source: Chen, Zhang and Zhou 2018, "Fast Greedy MAP Inference for Determinantal Point Process", algorithm 1; the
        kernel of Zhang et al. 2025, "Beyond Attention or Similarity: Maximizing Conditional Diversity for Token
        Pruning in MLLMs" (CDPruner). Differs from the publication in stopping at the rank of the kernel.
    """
    unit = _unit(features)
    n, margin = len(unit), margin_of(features.dtype)
    whole_number(count, "count", 0, n, hint="that many tokens there are")
    relevant = settled(_not_negative(relevance, n, "relevance").to(unit.device), margin)
    relevant = relevant / relevant.max().clamp(min=torch.finfo(torch.float64).tiny) if n else relevant
    rest = unit.square().sum(1)  # squared sine of the angle to the span of the picked ones
    rows = unit.new_zeros(count, n)  # rows of the Cholesky factor of S, in picking order
    free = torch.ones(n, dtype=torch.bool, device=unit.device)
    picks: list[Tensor] = []
    for row in range(count):
        open_, squares = free & (rest > DEPENDENT[margin]), relevant.square()
        if not bool((open_ & (relevant > 0)).any()):
            break
        pick = first_of_largest(torch.where(open_, squares * rest, -torch.inf), squares * margin)
        rows[row] = (unit @ unit[pick] - rows[:row].T @ rows[:row, pick]) / rest[pick].sqrt()
        rest = rest - rows[row].square()
        free[pick] = False
        picks.append(pick)
    left = top_k(torch.where(free, relevant, -1.0), count - len(picks), margin)
    return torch.cat([torch.stack(picks), left]) if picks else left


def tile_quotas(importance: Tensor, count: int, sizes: Tensor, margin: float | None = None) -> Tensor:
    """Returns how many tokens each tile keeps: in proportion to its importance, at most all it has, `count` in all.

    Shared by `allocate` (Webster), whose quotas never shrink when the count grows; largest remainders, which the
    literature uses, do (docs/decisions/0002). What a full tile cannot take goes to the others.

    Args:
        importance: Finite, not negative (t,); tiles of none get what the others cannot take.
        count: From 0 to the sum of `sizes`.
        sizes: Tokens of each tile, int (t,).
        margin: As that of `allocate`.

    Returns:
        int64 (t,).

    Example:
        >>> tile_quotas(torch.tensor([6.0, 3.0, 1.0]), 10, torch.tensor([4, 4, 4]))
        tensor([4, 4, 2])
    """
    margin = margin_of(importance.dtype) if margin is None else margin
    shared = share_out(importance.double().cpu().numpy(), count, 0, sizes.cpu().numpy(), margin)
    return torch.from_numpy(shared).to(sizes.device)


def top_k_per_tile(
    scores: Tensor, tiles: Tensor, count: int, importance: Tensor | None = None, margin: float | None = None
) -> Tensor:
    """Returns the best tokens of every tile, as many of each as `tile_quotas` says, `count` in all.

    Args:
        scores: Numbers (n,), not NaN.
        tiles: The tile of each token, int (n,), from 0.
        count: From 0 to n.
        importance: Of each tile (t,), see `tile_quotas`; None for the number of its tokens.
        margin: Of equal scores and of equal importance, see `top_k`.

    Returns:
        int64 (count,), by falling score, of equals the first.

    Raises:
        ValueError: A count outside the range, tiles that do not fit, or importance that is negative or not finite.

    Example:
        >>> top_k_per_tile(torch.tensor([9.0, 8.0, 7.0, 1.0]), torch.tensor([0, 0, 0, 1]), 2, torch.tensor([1.0, 1.0]))
        tensor([0, 3])

    Source: quotas per tile and the best within each as in HiRED (Arif et al., AAAI 2025), whose floors lose tokens;
        here the count is exact.
    """
    if scores.ndim != 1 or tiles.shape != scores.shape or tiles.is_floating_point() or tiles.is_complex():
        raise ValueError(f"tiles must be whole numbers of the scores' shape (n,), got {_shapes(scores, tiles)}")
    most = 2**31 if importance is None else len(importance)
    if len(tiles) and not 0 <= int(tiles.min()) <= int(tiles.max()) < most:
        raise ValueError(f"tiles must lie from 0 to {most - 1}, got {int(tiles.min())} to {int(tiles.max())}")
    order = top_k(scores, len(scores), margin)
    if not len(scores):
        whole_number(count, "count", 0, 0, hint="that many tokens there are")
        return order
    tiles = tiles.long().to(scores.device)
    sizes = torch.bincount(tiles, minlength=0 if importance is None else len(importance))
    quota = tile_quotas(sizes, count, sizes) if importance is None else tile_quotas(importance, count, sizes, margin)
    by_tile = tiles[order].sort(stable=True)
    start = sizes.cumsum(0) - sizes
    rank = torch.arange(len(order), device=scores.device) - start[by_tile.values]
    kept = by_tile.indices[rank < quota[by_tile.values]]
    return order[kept.sort().values]


def _nearest(unit: Tensor, others: Tensor | None, rows: int = 1024) -> Tensor:
    """Distance of each unit vector to the nearest of `others` (indices), or of all but itself; in strips of rows."""
    found = []
    for first in range(0, len(unit), rows):
        distance = 1 - unit[first : first + rows] @ (unit if others is None else unit[others]).T
        if others is None:
            distance.diagonal(first).fill_(2.0)  # the greatest distance there is
        found.append(distance.amin(1).clamp(min=0))
    return torch.cat(found)


def _unit(features: Tensor) -> Tensor:
    """Returns the rows as float64 vectors of length 1 (0 stays 0); equal rows stay equal."""
    if features.ndim != 2 or not features.is_floating_point() or not features.isfinite().all():
        raise ValueError(f"features must be finite floats of shape (n, d), got {_shapes(features)}")
    values = features.detach().double()
    largest = values.abs().amax(1, keepdim=True) if values.shape[1] else values.new_ones(len(values), 1)
    values = values / torch.where(largest > 0, largest, 1.0)  # so that squares neither vanish nor overflow
    return values / values.square().sum(1, keepdim=True).sqrt().clamp(min=0.5)


def _check_scores(scores: Tensor, name: str) -> None:
    if scores.ndim == 0 or scores.is_complex() or scores.isnan().any():
        raise ValueError(f"{name} must be numbers (..., n), none of them NaN, got {_shapes(scores)}")


def _not_negative(values: Tensor | None, n: int, name: str) -> Tensor:
    if values is None:
        return torch.ones(n, dtype=torch.float64)
    if values.shape != (n,) or values.is_complex() or not (values.isfinite() & (values >= 0)).all():
        raise ValueError(f"{name} must be finite and not negative, one a token ({n},), got {_shapes(values)}")
    return values.detach().double()


def _check_seeds(seeds: Tensor | None, n: int, count: int) -> Tensor:
    if seeds is None:
        return torch.empty(0, dtype=torch.long)
    if seeds.ndim != 1 or seeds.is_floating_point() or seeds.is_complex() or seeds.dtype == torch.bool:
        raise ValueError(f"seeds must be indices (m,), got {_shapes(seeds)}")
    inside = bool(((seeds >= 0) & (seeds < n)).all())
    if not inside or len(set(seeds.tolist())) < len(seeds) or len(seeds) > count:
        raise ValueError(
            f"seeds must be different indices from 0 to {n - 1}, at most count = {count} of them, "
            f"got {shorten(seeds.tolist())}"
        )
    return seeds.long()


def _shapes(*tensors: Tensor) -> str:
    return " and ".join(f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}" for tensor in tensors)
