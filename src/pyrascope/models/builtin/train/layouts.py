"""Layouts of tokens over a square picture, as many as training shall see: which boxes, and their pixels."""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..architecture import CELL
from .crops import grid_boxes, patches, scaled
from .targets import overlap

Floats = NDArray[np.float64]
RESAMPLERS = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
COARSE = 2
"""Level from which trees start: cells of 64 pixels."""


def uniform(side: int, count: int) -> Floats:
    """Returns the boxes of a uniform grid of count x count tokens."""
    return grid_boxes(count, count, side / count)


def overlay(random: np.random.Generator, side: int, extra: int, evidence: Sequence[Sequence[float]]) -> Floats:
    """Returns coarse cells everywhere and `extra` finest cells over them: around the evidence, the rest in blocks."""
    fine = uniform(side, side // CELL)
    picked = np.zeros(len(fine), bool)
    if evidence:
        area = np.sum([overlap(fine, box) for box in evidence], axis=0)
        order = np.argsort(-area, kind="stable")[:extra]
        picked[order[area[order] > 0]] = True
    columns = side // CELL
    while (missing := extra - int(picked.sum())) > 0:
        y, x = random.integers(0, columns - 2, 2)
        block = ((y + np.arange(3))[:, None] * columns + x + np.arange(3)).ravel()
        picked[block[~picked[block]][:missing]] = True
    return np.concatenate([uniform(side, side // (CELL << COARSE)), fine[picked]])


def tree(side: int, tokens: int, priority: NDArray[np.float64]) -> Floats:
    """Returns a partition into squares: the box whose cells have the greatest sum of `priority` is split in four next.

    Args:
        side: Of the picture.
        tokens: How many; the coarse grid and a multiple of three.
        priority: Map (side / 16, side / 16), not negative.
    """
    cell = CELL << COARSE
    count = side // cell
    start = [(y, x, COARSE) for y in range(count) for x in range(count)]

    def entry(y: int, x: int, level: int) -> tuple[float, int, int, int]:
        part = priority[y << level : (y + 1) << level, x << level : (x + 1) << level]
        return -float(part.sum()) if level else 0.0, y, x, level

    heap = [entry(*key) for key in start]
    heapq.heapify(heap)
    while len(heap) < tokens:
        _, y, x, level = heapq.heappop(heap)
        for child in ((2 * y + i, 2 * x + j, level - 1) for i in (0, 1) for j in (0, 1)):
            heapq.heappush(heap, entry(*child))
    boxes = [(y << level, x << level, (y + 1) << level, (x + 1) << level) for _, y, x, level in heap]
    return np.array(sorted(boxes), np.float64) * CELL


def priority(random: np.random.Generator, side: int, evidence: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Returns what a tree may follow: the evidence, a fixation anywhere, or chance."""
    cells = side // CELL
    fine = uniform(side, cells)
    noise = np.repeat(np.repeat(random.random((cells // 4, cells // 4)), 4, 0), 4, 1) + 0.1 * random.random(
        (cells, cells)
    )
    if evidence:
        area = np.sum([overlap(fine, box) for box in evidence], axis=0).reshape(cells, cells)
        return np.asarray(area + 0.1 * noise)
    if random.random() < 0.5:
        y, x = random.uniform(0, cells, 2)
        rows, columns = np.mgrid[:cells, :cells] + 0.5
        return np.asarray((1 + np.hypot(rows - y, columns - x)) ** -2.0)
    return np.asarray(noise**3)


def pixels(random: np.random.Generator | None, image: NDArray[np.uint8], boxes: Floats) -> NDArray[np.float32]:
    """Returns the patches (n, 768) that show square boxes: dyadic ones of levels, or one uniform grid of any size.

    They are resampled by Lanczos' filter, or, with `random`, by one of several.
    """
    kind = Image.Resampling.LANCZOS if random is None else RESAMPLERS[random.integers(len(RESAMPLERS))]
    sides = boxes[:, 2] - boxes[:, 0]
    found = np.empty((len(boxes), CELL * CELL * 3), np.float32)
    for side in np.unique(sides):
        own = sides == side
        count = round(image.shape[0] / side)
        level = image
        if side != CELL:
            level = np.asarray(Image.fromarray(image).resize((count * CELL, count * CELL), kind))
        if own.all() and len(boxes) == count * count:
            return patches(scaled(level))
        y, x = np.rint(boxes[own, :2].T / side).astype(int)
        cut = level.reshape(count, CELL, count, CELL, 3)[y, :, x]
        found[own] = scaled(cut.transpose(0, 3, 1, 2).reshape(len(y), -1))
    return found
