"""The best cut of a split tree: exactly B boxes that partition the grids with the least total distortion.

For a price per token the best cut is one pass over the tree, small boxes first (Lagrangian pruning: Chou, Lookabaugh
and Gray, "Optimal pruning with applications to tree-structured source coding and modeling", 1989; Sullivan and Baker,
"Efficient quadtree coding of images and video", 1994). Such cuts lie on the lower convex hull of distortion over
tokens. The two hull cuts around B are found by chords, mixed where they differ, and what is left of B is spent on the
best single splits: the result is exact in tokens and within a split or two of the hull in distortion. Where that is
not near enough, as with few tokens, an exact programme takes over.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..ties import ROUNDED, TIE, order_of
from .compiled import pruning
from .exact import exact_action
from .tree import SLACK, Index, SplitTree

TOLERANCE = 0.002
"""Share of the gain by which a cut may miss the hull before the exact programme is asked."""
MOST_IRREGULAR = 2
"""Greatest number of tokens that irregular splits may add."""
FEW = 16
"""Budgets up to which irregular splits may matter more than the hull, which does not know them, tells."""
MOST_GUESSES = 8
"""Cuts at guessed prices before chords are taken."""
USUAL_POWER = 0.4
"""Tokens fall with the price to this power, on photographs."""
EXACT_LIMIT = 2**22
"""Greatest nodes * budget for the exact programme: about 0.1 s. Beyond it the gaps of the hull are small."""

Distortion = NDArray[np.float64]


@dataclass(frozen=True)
class _Pruned:
    """The best cut at one price: what each node does (0: is a token, k: takes split k - 1), and its totals."""

    price: float
    action: NDArray[np.int8]
    tokens: Index
    total_tokens: int
    total_distortion: float


@dataclass(frozen=True)
class Cut:
    """Boxes that partition the grids.

    Attributes:
        nodes: The chosen nodes of the tree, ascending.
        scores: For each, the distortion that the split which made it removed, shared among the boxes it made; the
            root's score is 0.
    """

    nodes: Index
    scores: Distortion


def best_cut(tree: SplitTree, distortion: Distortion, budget: int) -> Cut:
    """Returns the cut of exactly `budget` boxes whose distortion is least, up to the gap of the convex hull.

    Deterministic; ties go to larger boxes first, then to the lower node. Distortions are rounded to a grid so fine
    that it holds their sums exactly: what is equal on paper is equal in whatever order it is added.

    Args:
        tree: From `split_tree`.
        distortion: float64 (nodes,), finite and non-negative: what each box costs as one token.
        budget: From the number of grids to `tree.capacity`; the caller checks.
    """
    unit = float(distortion.max()) or 1.0  # so that no sum overflows
    costs = np.append(_on_grid(distortion / unit), [0.0, np.inf])
    irregular = 0 if tree.regular == len(tree.splits) else MOST_IRREGULAR
    cuts = [_near_hull(tree, costs, max(budget - spare, len(tree.roots)), budget) for spare in range(irregular + 1)]
    chord = cuts[0][2]  # no cut of `budget` boxes by regular splits lies below
    nodes, scores, _ = min((cut for cut in cuts if len(cut[0]) == budget), key=lambda cut: float(costs[cut[0]].sum()))
    missed, gain = float(costs[nodes].sum()) - chord, float(costs[tree.roots].sum()) - chord
    near = missed <= TOLERANCE * gain + ROUNDED * float(costs[tree.roots].sum()) and (not irregular or budget > FEW)
    if not near and tree.nodes * budget <= EXACT_LIMIT:
        action = exact_action(tree, costs, budget)
        nodes, scores = descend(tree, costs, action, tree.roots, np.zeros(len(tree.roots)))
    order = np.argsort(nodes)
    return Cut(nodes[order], scores[order] * unit)


def _on_grid(distortion: Distortion) -> Distortion:
    """Rounds to whole multiples of a power of two of which float64 holds 2^52, more than all of them together."""
    step = 2.0 ** (math.ceil(math.log2(float(distortion.sum()) or 1.0)) - 52)
    found: Distortion = np.rint(distortion / step) * step
    return found


def _near_hull(tree: SplitTree, costs: Distortion, regular: int, budget: int) -> tuple[Index, Distortion, float]:
    """A cut of `budget` boxes, `regular` of them by regular splits; its scores; the hull's chord at `regular`.

    The cut has fewer boxes where it would need more than `MOST_IRREGULAR` irregular splits.
    """
    low, high = _hull_around(tree, costs[: tree.nodes], regular)
    share = (regular - low.total_tokens) / max(high.total_tokens - low.total_tokens, 1)
    chord = low.total_distortion + share * (high.total_distortion - low.total_distortion)
    nodes, scores = _spend(tree, costs, tree.regular, *_mix(tree, costs, low, high, regular), regular)
    if budget - len(nodes) <= MOST_IRREGULAR:
        nodes, scores = _spend(tree, costs, len(tree.splits), nodes, scores, budget)
    return nodes, scores, chord


def _prune(tree: SplitTree, distortion: Distortion, price: float) -> _Pruned:
    """The cut with the least distortion + price * tokens; on a tie a box stays whole."""
    cost = np.empty(tree.nodes + 2)
    tokens = np.zeros(tree.nodes + 2, dtype=np.int64)
    cost[tree.outside], cost[tree.forbidden] = 0.0, np.inf
    action = np.zeros(tree.nodes, dtype=np.int8)
    leaf = np.where(tree.shrinks, np.inf, distortion)
    if compiled := pruning():
        compiled.prune(leaf, price, tree.table, cost, tokens, action)
    else:
        _sweep(tree, leaf + price, tree.splits[: tree.regular], cost, tokens, action)
    total = int(tokens[tree.roots].sum())
    return _Pruned(price, action, tokens, total, float(cost[tree.roots].sum()) - price * total)


def _sweep(
    tree: SplitTree, leaf: Distortion, splits: Index, cost: Distortion, tokens: Index, action: NDArray[np.int8]
) -> None:
    """Fills cost, tokens and action of all nodes, smaller boxes first."""
    for run in tree.classes:
        best, count, act = leaf[run], np.ones(run.stop - run.start, dtype=np.int64), action[run]
        for option, children in enumerate(splits[:, :, run]):
            split = cost[children].sum(0)
            better = split + SLACK * np.abs(split) < best
            np.copyto(best, split, where=better)
            np.copyto(count, tokens[children].sum(0), where=better)
            act[better] = option + 1
        cost[run], tokens[run] = best, count


def _hull_around(tree: SplitTree, distortion: Distortion, budget: int) -> tuple[_Pruned, _Pruned]:
    """The neighbouring cuts on the convex hull with at most, and at least, `budget` tokens.

    The cut that is best at the price of the chord between two hull cuts lies below it, unless the two are neighbours.
    Chords are slow from far away, so a few cuts at guessed prices come first; any cut that is best at a price is on
    the hull.
    """
    bound = 2.0 * float(distortion.max()) + 1.0
    low = _prune(tree, distortion, bound * tree.capacity)
    high = _prune(tree, distortion, -bound)
    guesses = MOST_GUESSES
    while low.total_tokens < budget < high.total_tokens:
        tokens = high.total_tokens - low.total_tokens
        price = (low.total_distortion - high.total_distortion) / tokens
        chord = low.total_distortion + price * low.total_tokens
        guess = _guess(low, high, budget, bound) if guesses else None
        cut = _prune(tree, distortion, price if guess is None else guess)
        inside = low.total_tokens < cut.total_tokens < high.total_tokens
        if guess is None and (
            chord - (cut.total_distortion + price * cut.total_tokens) <= 1e-12 * abs(chord) or not inside
        ):
            break
        guesses = guesses - 1 if inside and guesses else 0
        if inside and cut.total_tokens <= budget:
            low = cut
        if inside and cut.total_tokens >= budget:
            high = cut
    return (high, high) if high.total_tokens <= budget else (low, high)


def _guess(low: _Pruned, high: _Pruned, budget: int, bound: float) -> float | None:
    """A price between those of two cuts at which a cut may have `budget` tokens; None where nothing is known yet.

    Tokens fall about as a power of the price, the one through both cuts where neither is one of the
    extremes, whose prices say nothing.
    """
    known = [cut for cut in (low, high) if 0 < cut.price < bound]
    if not known:
        return None
    power = USUAL_POWER
    if len(known) == 2:
        power = math.log(high.total_tokens / low.total_tokens) / math.log(low.price / high.price)
    near, far = sorted([low, high], key=lambda cut: abs(cut.total_tokens - budget))
    lopsided = abs(far.total_tokens - budget) > 4 * abs(near.total_tokens - budget)
    aim = 2 * budget - near.total_tokens if lopsided and len(known) == 2 else budget  # bring the far side near
    guess = known[-1].price * (known[-1].total_tokens / aim) ** (1 / power)
    return guess if high.price < guess < low.price else None


def _mix(tree: SplitTree, costs: Distortion, low: _Pruned, high: _Pruned, budget: int) -> tuple[Index, Distortion]:
    """The cut `low`, changed to `high` in as many of the subtrees where they differ as the budget allows."""
    same = np.where(low.action == high.action, low.action, -1)
    nodes, scores = descend(tree, costs, same, tree.roots, np.zeros(len(tree.roots)))
    differ = np.flatnonzero(same[nodes] == -1)
    differ = differ[np.lexsort((nodes[differ], -tree.area[nodes[differ]]))]
    extra = (high.tokens - low.tokens)[nodes[differ]]
    fits = np.cumsum(extra) <= budget - low.total_tokens
    parts = [(np.delete(nodes, differ), np.delete(scores, differ))]
    for chosen, cut in ((differ[fits], high), (differ[~fits], low)):
        parts.append(descend(tree, costs, cut.action, nodes[chosen], scores[chosen]))
    return _joined(parts)


def descend(
    tree: SplitTree, costs: Distortion, action: NDArray[np.int8], nodes: Index, scores: Distortion
) -> tuple[Index, Distortion]:
    """Follows the splits that `action` names from `nodes` down to those that it does not split (<= 0), in any order."""
    if compiled := pruning():
        found, shares = np.empty(tree.nodes, np.int64), np.empty(tree.nodes)
        count = compiled.descend(action, tree.splits, costs, nodes, scores, found, shares)
        return found[:count], shares[:count]
    parts = [(nodes[:0], scores[:0])]
    while len(nodes):
        act = action[nodes]
        stays, goes = act <= 0, act > 0
        parts.append((nodes[stays], scores[stays]))
        children = tree.splits[act[goes] - 1, :, nodes[goes]]
        nodes, scores = _split(costs, children, nodes[goes], scores[goes])
    return _joined(parts)


def _split(costs: Distortion, children: Index, nodes: Index, scores: Distortion) -> tuple[Index, Distortion]:
    """Replaces each node by its children (n, arity); an only child keeps the score of its parent."""
    exists = children < len(costs) - 2
    count = exists.sum(1)
    shared = np.where(count == 1, scores, (costs[nodes] - costs[children].sum(1)) / count)
    return children[exists], np.broadcast_to(shared[:, None], children.shape)[exists]


def _joined(parts: list[tuple[Index, Distortion]]) -> tuple[Index, Distortion]:
    nodes, scores = zip(*parts, strict=True)
    return np.concatenate(nodes), np.concatenate(scores)


def _spend(
    tree: SplitTree, costs: Distortion, options: int, nodes: Index, scores: Distortion, budget: int
) -> tuple[Index, Distortion]:
    """Takes the first `options` splits, the largest gain per token first, until the cut has `budget` tokens."""
    while left := budget - len(nodes):
        chosen, children = _best_splits(tree, costs, tree.splits[:options], nodes, left)
        if not len(chosen):
            break
        made = _settled(tree, costs, *_split(costs, children, nodes[chosen], scores[chosen]))
        nodes, scores = _joined([(np.delete(nodes, chosen), np.delete(scores, chosen)), made])
    return nodes, scores


def _best_splits(tree: SplitTree, costs: Distortion, splits: Index, nodes: Index, left: int) -> tuple[Index, Index]:
    """Which of `nodes` to split for at most `left` tokens more, each once, and into what (n, arity)."""
    children = splits[:, :, nodes]
    price = (children < tree.nodes).sum(1) - 1
    possible = (price > 0) & (price <= left)
    gain = costs[nodes] - costs[children].sum(1)
    rate = np.where(possible, gain / np.maximum(price, 1), -np.inf)
    option, column = (rate >= rate.max(0) - TIE * np.abs(rate.max(0))).argmax(0), np.arange(len(nodes))
    rate, price = rate[option, column], price[option, column]
    order = np.lexsort((nodes, -tree.area[nodes], order_of(-rate, TIE)))
    order = order[possible.any(0)[order]]
    order = order[np.cumsum(price[order]) <= left]
    return order, children[option[order], :, order]


def _settled(tree: SplitTree, costs: Distortion, nodes: Index, scores: Distortion) -> tuple[Index, Distortion]:
    """Replaces boxes that reach needlessly far over the border by their only child."""
    only = np.where(tree.shrinks, (tree.cost[: tree.regular] == 0).argmax(0) + 1, 0)
    return descend(tree, costs, only, nodes, scores)
