"""The best cut of a split tree for small budgets, by dynamic programming over the number of tokens.

Hull cuts leave gaps that matter where a budget is small; here each box has a table: the least distortion that 1, 2, ..
tokens reach within it. The table of a box is the (min, +) convolution of those of its children, or the lower of two
such where it may split in two ways.

Arrays of tables have axes (extras, boxes, tokens). `extras` counts the tokens of irregular splits, of which there are
0, 1 or 2 in all where the tree has any; elsewhere the axis has length 1.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..ties import TIE
from .tree import Index, SplitTree

Tables = NDArray[np.float64]


def exact_action(tree: SplitTree, costs: NDArray[np.float64], budget: int) -> NDArray[np.int8]:
    """Returns what each box does (0: is a token, k: takes split k - 1) in the cut of `budget` tokens that is best.

    Args:
        tree: From `split_tree`.
        costs: float64 (nodes + 2,): the distortion of each box, 0 for `outside`, infinite for `forbidden`.
        budget: Tokens in all; time and memory grow with nodes * budget.
    """
    tables = _tables(tree, costs, budget)
    action = np.zeros(tree.nodes, dtype=np.int8)
    running = _running(tables, tree.roots[:, None], budget)
    extras = _first_least(running[-1][:, :1, budget], 0)
    nodes, extras, tokens = _shares(tables, running, tree.roots[:, None], extras, np.array([budget]))
    while len(nodes):
        split = (tokens > 1) | tree.shrinks[nodes]
        nodes, extras, tokens = nodes[split], extras[split], tokens[split]
        value = tables[extras, nodes, tokens]
        found = []
        for option in range(tree.regular):
            children = tree.splits[option][:, nodes]
            running = _running(tables, children, budget)
            reached = running[-1][extras, np.arange(len(nodes)), tokens]
            hit = (reached <= value * (1 + TIE)) & (action[nodes] == 0)
            action[nodes[hit]] = option + 1
            chosen = [table[:, hit] for table in running]
            found.append(_shares(tables, chosen, children[:, hit], extras[hit], tokens[hit]))
        rest = action[nodes] == 0
        _irregular_action(tree, costs, action, nodes[rest], extras[rest] == 2)
        nodes, extras, tokens = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return action


def _first_least(values: Tables, axis: int) -> Index:
    """The first index along an axis whose value is the least, to within `TIE`."""
    found: Index = (values <= values.min(axis, keepdims=True) * (1 + TIE)).argmax(axis)
    return found


def _tables(tree: SplitTree, costs: NDArray[np.float64], budget: int) -> Tables:
    """The least distortion (extras, nodes + 2, budget + 1) within each box."""
    tables = np.full((1 if tree.regular == len(tree.splits) else 3, tree.nodes + 2, budget + 1), np.inf)
    tables[0, tree.outside, 0] = 0.0
    tables[0, : tree.nodes, 1] = np.where(tree.shrinks, np.inf, costs[: tree.nodes])
    for run in tree.classes:
        most = min(2 ** int(tree.area[run.start]), budget)
        best = tables[:, run]
        for children in tree.splits[: tree.regular, :, run]:
            np.minimum(best, _running(tables, children, most)[-1], out=best)
        for extras in range(1, min(len(tables), budget)):
            pieces = _irregular(tree, costs, np.arange(run.start, run.stop))[extras - 1]
            np.minimum(best[extras, :, extras + 1], pieces.min(0), out=best[extras, :, extras + 1])
    return tables


def _irregular(tree: SplitTree, costs: NDArray[np.float64], nodes: Index) -> tuple[Tables, Tables]:
    """Distortion of `nodes` cut in two by each irregular split (m, n), and in three, a half once more (2 m, n)."""
    halves = tree.splits[tree.regular :, :2, nodes]
    whole = (halves < tree.nodes).all(1) & ~tree.shrinks[nodes]
    in_two = np.where(whole, costs[halves].sum(1), np.inf)
    quarters = tree.splits[tree.regular][:2][:, np.where(whole[:, None], halves, 0)]
    cut = np.where((quarters < tree.nodes).all(0) & whole[:, None], costs[quarters].sum(0), np.inf)
    in_three = np.stack([cut[:, 0] + costs[halves[:, 1]], cut[:, 1] + costs[halves[:, 0]]], 1)
    return in_two, in_three.reshape(-1, len(nodes))


def _irregular_action(
    tree: SplitTree, costs: NDArray[np.float64], action: NDArray[np.int8], nodes: Index, twice: NDArray[np.bool_]
) -> None:
    """Writes the best irregular split of each of `nodes`, and of one of its halves where it is cut twice."""
    if not len(nodes):
        return
    in_two, in_three = _irregular(tree, costs, nodes)
    option, half = np.divmod(_first_least(in_three, 0), 2)
    option = np.where(twice, option, _first_least(in_two, 0))
    action[nodes] = tree.regular + option + 1
    halves = tree.splits[tree.regular + option, half, nodes]
    action[halves[twice]] = tree.regular + 1


def _running(tables: Tables, children: Index, most: int) -> list[Tables]:
    """Tables of the first child of each box, of the first two together, ..; `children` is (arity, boxes)."""
    running = [tables[:, children[0]]]
    for child in children[1:]:
        running.append(_convolved(running[-1], tables[:, child], most))
    return running


def _convolved(first: Tables, second: Tables, most: int) -> Tables:
    out = np.full(first.shape, np.inf)
    for a, b in product(range(len(first)), repeat=2):
        reach = np.flatnonzero(np.isfinite(second[b]).any(0))
        if a + b >= len(first) or not len(reach):
            continue
        for tokens in np.flatnonzero(np.isfinite(first[a, :, : most + 1]).any(0)).tolist():
            width = min(int(reach[-1]), most - tokens) + 1
            window = out[a + b, :, tokens : tokens + width]
            np.minimum(window, first[a, :, tokens, None] + second[b, :, :width], out=window)
    return out


def _shares(
    tables: Tables, running: Sequence[Tables], children: Index, extras: Index, tokens: Index
) -> tuple[Index, Index, Index]:
    """Shares extras and tokens of each box among its children, last child first; returns those that exist, flat."""
    found = []
    box = np.arange(children.shape[1])[:, None, None]
    more, some = np.arange(tables.shape[0])[None, :, None], np.arange(tables.shape[2])[None, None]
    for place in range(len(children) - 1, -1, -1):
        child = children[place]
        if place:
            left, rest = extras[:, None, None] - more, tokens[:, None, None] - some
            before = np.where((left >= 0) & (rest >= 0), running[place - 1][left, box, rest], np.inf)
            total = before + tables[:, child].swapaxes(0, 1)
            best = _first_least(total.reshape(len(child), tables.shape[0] * tables.shape[2]), 1)
            part = np.divmod(best, tables.shape[2])
        else:
            part = extras, tokens
        found.append((child, *part))
        extras, tokens = extras - part[0], tokens - part[1]
    nodes, share, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    exists = nodes < tables.shape[1] - 2
    return nodes[exists], share[exists], counts[exists]
