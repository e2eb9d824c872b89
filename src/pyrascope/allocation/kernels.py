"""The planner's own loops compiled for the CPU: colour planes, and the pruning of the tree."""

from typing import Any

from numpy.typing import NDArray

from ..signal.kernels.compiled import compiled

Array = NDArray[Any]


@compiled
def opponent(image: Array, matrix: Array, luminance: Array, colour: Array) -> None:
    """Turns RGB (3, h, w) to luminance (h, w) and the 2x2 means of two colour differences (2, ..), edges repeated."""
    _, h, w = image.shape
    y, r1, b1, r2, g2, b2 = matrix[0], matrix[1], matrix[2], matrix[3], matrix[4], matrix[5]
    for i in range(h):
        red, green, blue, out = image[0, i], image[1, i], image[2, i], luminance[i]
        for j in range(w):
            out[j] = y * (red[j] + green[j] + blue[j])
    for i in range(colour.shape[1]):
        above, below = image[:, 2 * i], image[:, min(2 * i + 1, h - 1)]
        for j in range(colour.shape[2]):
            j0, j1 = 2 * j, min(2 * j + 1, w - 1)
            red = above[0, j0] + above[0, j1] + below[0, j0] + below[0, j1]
            green = above[1, j0] + above[1, j1] + below[1, j0] + below[1, j1]
            blue = above[2, j0] + above[2, j1] + below[2, j0] + below[2, j1]
            colour[0, i, j] = r1 * red + b1 * blue
            colour[1, i, j] = r2 * red + g2 * green + b2 * blue


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
