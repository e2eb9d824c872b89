"""The planner's own loops compiled for the CPU: colour planes, and the pruning of the tree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..signal.kernels.compiled import compiled

Array = NDArray[Any]


@compiled
def opponent(image: Array, shares: Array, luminance: Array, colour: Array) -> None:
    """Turns RGB (3, h, w) to luminance (h, w) and the 2x2 means of two colour differences (2, ..), edges repeated.

    `shares` are the factors of red + green + blue, of the mean red - blue and of the mean red - 2 green + blue.
    """
    _, h, w = image.shape
    rows, columns = colour.shape[1:]
    first, second = np.empty(2 * columns, image.dtype), np.empty(2 * columns, image.dtype)
    for i in range(rows):
        for part in range(2):
            row = min(2 * i + part, h - 1)
            red, green, blue, light = image[0, row], image[1, row], image[2, row], luminance[row]
            for j in range(w):
                light[j] = shares[0] * (red[j] + green[j] + blue[j])
            if part == 0:
                for j in range(w):
                    first[j] = red[j] - blue[j]
                    second[j] = red[j] + blue[j] - 2 * green[j]
            else:
                for j in range(w):
                    first[j] += red[j] - blue[j]
                    second[j] += red[j] + blue[j] - 2 * green[j]
        if w % 2:
            first[w], second[w] = first[w - 1], second[w - 1]
        for j in range(columns):
            colour[0, i, j] = shares[1] * (first[2 * j] + first[2 * j + 1])
            colour[1, i, j] = shares[2] * (second[2 * j] + second[2 * j + 1])


@compiled
def prune(leaf: Array, price: float, splits: Array, cost: Array, tokens: Array, action: Array) -> None:
    """The cheapest cut of the tree: children come before parents, so that one sweep does; see `solver._prune`.

    Args:
        leaf: float64 (nodes,): a box as one token, without its price.
        price: Of a token.
        splits: int64 (options, arity, nodes).
        cost: float64 (nodes + 2,) to fill, but for the last two.
        tokens: int64 (nodes + 2,) likewise.
        action: int8 (nodes,) to fill.
    """
    options, arity, nodes = splits.shape
    for node in range(nodes):
        best, count, act = leaf[node] + price, 1, 0
        for option in range(options):
            total, made = 0.0, 0
            for child in range(arity):
                total += cost[splits[option, child, node]]
                made += tokens[splits[option, child, node]]
            if total < best:
                best, count, act = total, made, option + 1
        cost[node], tokens[node], action[node] = best, count, act


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    image = np.zeros((3, 2, 2), np.float32)
    opponent(image, image[0, 0], image[0], image[:2, :1, :1])
    prune(
        np.zeros(1),
        0.0,
        np.full((1, 2, 1), 2),
        np.array([0.0, 0.0, np.inf]),
        np.zeros(3, np.int64),
        np.zeros(1, np.int8),
    )
