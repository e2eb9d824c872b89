"""Images that a processor cuts into tiles with a global view behind them: put together again."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ...stock.placeholders import Run
from .canvas import Canvas

SAMPLES = 4
"""Means along each side of a tile that are compared with the global view."""


def arrangement(tiles: Tensor, view: Tensor) -> tuple[int, int]:
    """Returns the rows and columns in which `tiles` (n, c, s, s) make up the picture of the global `view` (c, s, s).

    No input of the model says it, but the global view shows it: of all ways to lay the tiles out, the one that looks
    most like it. Where several do equally, which is where nothing is to be seen, the most square one.

    >>> view = torch.arange(16.0).reshape(1, 4, 4)
    >>> stripes = view.repeat_interleave(2, 2).unflatten(2, (2, 4))[0].transpose(0, 1)[:, None]
    >>> arrangement(stripes, view)
    (1, 2)
    """
    means = adaptive_avg_pool2d(tiles.float(), SAMPLES)
    best = (float("inf"), 1, len(tiles))
    ways = [(rows, len(tiles) // rows) for rows in range(1, len(tiles) + 1) if len(tiles) % rows == 0]
    for rows, columns in sorted(ways, key=lambda way: abs(way[0] - way[1])):
        seen = adaptive_avg_pool2d(view.float(), (rows * SAMPLES, columns * SAMPLES))
        error = float((laid_out(means, rows, columns) - seen).square().mean())
        if error < best[0]:
            best = (error, rows, columns)
    return best[1:]


def laid_out(tiles: Tensor, rows: int, columns: int) -> Tensor:
    """Returns tiles (rows * columns, c, h, w), in reading order, as one image (c, rows * h, columns * w)."""
    _, channels, height, width = tiles.shape
    grid = tiles.reshape(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return grid.reshape(channels, rows * height, columns * width)


def views_of(groups: Sequence[Sequence[Run]], tokens: int) -> list[int]:
    """Returns the number of views of each image, from its placeholders and the `tokens` of one view.

    Raises:
        ValueError: an image has placeholders for part of a view.
    """
    counts = [sum(len(run.columns) for run in group) for group in groups]
    odd = [count for count in counts if count % tokens]
    if odd:
        raise ValueError(
            f"each image must have {tokens} placeholders a view, got one with {odd[0]}; take prompts and pixels from "
            "one call of the model's processor"
        )
    return [count // tokens for count in counts]


def tiled(views: Tensor, cell: int) -> Canvas:
    """Returns the canvas of the views (n, c, h, w) of one image: one, or its tiles and behind them the global view."""
    height, width = (side // cell for side in views.shape[-2:])
    one = height * width
    tokens = torch.arange(len(views) * one).reshape(-1, 1, height, width)
    if len(views) == 1:
        return Canvas(views[0], cell, (height, width), tokens[0, 0], one)
    rows, columns = arrangement(views[:-1], views[-1])
    return Canvas(
        pixels=laid_out(views[:-1], rows, columns),
        cell=cell,
        grid=(rows * height, columns * width),
        tokens=laid_out(tokens[:-1], rows, columns)[0],
        count=len(views) * one,
        views=len(views),
    )
