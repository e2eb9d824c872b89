"""The pruning of the split tree compiled for the CPU: block by block, whose children lie in runs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....signal.kernels.compiled import compiled
from ..tree import SLACK

Array = NDArray[Any]


@compiled
def prune(leaf: Array, price: float, blocks: Array, cost: Array, tokens: Array, action: Array) -> None:
    """The cheapest cut of the tree: children come before parents, so that one sweep does; see `solver._prune`.

    Args:
        leaf: float64 (nodes,): a box as one token, without its price; infinite where it is never one.
        price: Of a token.
        blocks: int64 (blocks, 3 + 5 options) from `SplitTree.table`.
        cost: float64 (nodes + 2,) to fill, but for the last two.
        tokens: int64 (nodes + 2,) likewise.
        action: int8 (nodes,) to fill.
    """
    options = (blocks.shape[1] - 3) // 5
    for number in range(len(blocks)):
        block = blocks[number]
        rows, columns, start = block[0], block[1], block[2]
        for iy in range(rows):
            first, last = start + iy * columns, start + (iy + 1) * columns
            own = cost[first:last], tokens[first:last], action[first:last]
            for j in range(columns):
                own[0][j], own[1][j], own[2][j] = leaf[first + j] + price, 1, 0
            for option in range(options):
                at = 3 + 5 * option
                child, high, wide, down, across = block[at], block[at + 1], block[at + 2], block[at + 3], block[at + 4]
                if child >= 0:
                    below = down == 2 and 2 * iy + 1 < high
                    top = child + down * iy * wide
                    low = top + wide if below else top
                    upper, lower = cost[top : top + wide], cost[low : low + wide]
                    counts = tokens[top : top + wide], tokens[low : low + wide]
                    if across == 1:
                        _halved(own, upper, lower, counts, below, np.int8(option + 1))
                    else:
                        _quartered(own, upper, lower, counts, below, np.int8(option + 1))


@compiled
def _halved(own: Any, upper: Array, lower: Array, counts: Any, below: bool, act: Any) -> None:
    """Offers each of a row of boxes the split into an upper and, where there is one, a lower part."""
    best, made, acts = own
    above, under = counts
    for j in range(len(best)):
        total = upper[j] + lower[j] if below else upper[j]
        better = total + SLACK * abs(total) < best[j]
        best[j] = total if better else best[j]
        made[j] = (above[j] + under[j] if below else above[j]) if better else made[j]
        acts[j] = act if better else acts[j]


@compiled
def _quartered(own: Any, upper: Array, lower: Array, counts: Any, below: bool, act: Any) -> None:
    """As `_halved`, each part again in a left and a right one, of which the last box may have no right one."""
    best, made, acts = own
    above, under = counts
    for j in range(len(best)):
        left, right = 2 * j, 2 * j + 1
        total, count = upper[left], above[left]
        if right < len(upper):
            total, count = total + upper[right], count + above[right]
        if below:
            total, count = total + lower[left], count + under[left]
            if right < len(upper):
                total, count = total + lower[right], count + under[right]
        if total + SLACK * abs(total) < best[j]:
            best[j], made[j], acts[j] = total, count, act


@compiled
def descend(
    action: Array, splits: Array, costs: Array, nodes: Array, scores: Array, found: Array, shares: Array
) -> int:
    """Follows the splits that `action` names from `nodes` down; see `solver.descend`.

    Args:
        action: int8 (nodes,): 0 or less for a box that stays, k for split k - 1.
        splits: int64 (options, arity, nodes).
        costs: float64 (nodes + 2,).
        nodes: int64: where to begin.
        scores: float64, of these.
        found: int64 (nodes,) to fill with the boxes that stay.
        shares: float64 likewise, with their scores.

    Returns:
        How many boxes stay.
    """
    arity, outside, count = splits.shape[1], len(costs) - 2, 0
    # Depth first: of each level no more than `arity` boxes wait, and there are fewer than 128 levels.
    waiting, worth = np.empty(128 * arity, np.int64), np.empty(128 * arity)
    for root in range(len(nodes)):
        waiting[0], worth[0], depth = nodes[root], scores[root], 1
        while depth:
            depth -= 1
            node, score, act = waiting[depth], worth[depth], action[waiting[depth]]
            if act <= 0:
                found[count], shares[count] = node, score
                count += 1
                continue
            inside, total = 0, 0.0
            for child in range(arity):
                total += costs[splits[act - 1, child, node]]
                inside += splits[act - 1, child, node] < outside
            if inside > 1:
                score = (costs[node] - total) / inside
            for child in range(arity):
                if splits[act - 1, child, node] < outside:
                    waiting[depth], worth[depth] = splits[act - 1, child, node], score
                    depth += 1
    return count


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    blocks = np.array([[1, 2, 0, -1, 0, 0, 0, 0], [1, 1, 2, 0, 1, 2, 1, 2]])
    prune(np.zeros(3), 0.0, blocks, np.zeros(5), np.zeros(5, np.int64), np.zeros(3, np.int8))
    one, none = np.zeros(1, np.int64), np.zeros(1)
    descend(np.zeros(1, np.int8), np.zeros((1, 2, 1), np.int64), np.zeros(3), one, none, one.copy(), none.copy())
