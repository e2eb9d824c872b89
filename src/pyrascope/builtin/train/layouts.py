"""Layouts of tokens over a square picture, as many as training shall see: which boxes, and their pixels."""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..architecture import CELL
from .crops import grid_boxes, scaled
from .targets import overlap

Floats = NDArray[np.float64]
RESAMPLERS = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
COARSE = 2
"""Level from which trees start: cells of 64 pixels."""


def uniform(side: int, count: int) -> Floats:
    """Returns the boxes of a uniform grid of count x count tokens."""
    return grid_boxes(count, count, side / count)


def overlay(
    random: np.random.Generator, side: int, extra: int, evidence: Sequence[Sequence[float]], coarse: int | None = None
) -> Floats:
    """Returns coarse cells everywhere and `extra` finest cells over them.

    These lie at the evidence: all that overlap it, and the rest in blocks anywhere; or, half of the time, those nearest
    to about its middle, as a look would choose them. Without evidence they lie in blocks anywhere.

    Args:
        random: Source of chance.
        side: Of the picture.
        extra: Finest cells.
        evidence: Boxes.
        coarse: Coarse cells along a side; default: cells of 64 px.
    """
    fine = uniform(side, side // CELL)
    picked = np.zeros(len(fine), bool)
    if evidence and random.random() < 0.5:
        y0, x0, y1, x1 = evidence[0]
        picked[nearest(fine, np.array([y0 + y1, x0 + x1]) / 2 + random.normal(0, 10, 2), extra)] = True
    elif evidence:
        area = np.sum([overlap(fine, box) for box in evidence], axis=0)
        order = np.argsort(-area, kind="stable")[:extra]
        picked[order[area[order] > 0]] = True
    columns = side // CELL
    while (missing := extra - int(picked.sum())) > 0:
        y, x = random.integers(0, columns - 2, 2)
        block = ((y + np.arange(3))[:, None] * columns + x + np.arange(3)).ravel()
        picked[block[~picked[block]][:missing]] = True
    return np.concatenate([uniform(side, coarse or side // (CELL << COARSE)), fine[picked]])


def nearest(boxes: Floats, place: Sequence[float] | NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Returns which `count` boxes have their middles nearest to a place, in ascending order."""
    y, x = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    distance = np.hypot(y - place[0], x - place[1])
    return np.sort(np.argsort(distance, kind="stable")[:count])


def scattered(random: np.random.Generator, side: int, count: int, evidence: Sequence[Sequence[float]]) -> Floats:
    """Returns `count` finest cells, those that show something of `evidence` first: a full grid with gaps, for less."""
    fine = uniform(side, side // CELL)
    shows = np.any([overlap(fine, box) > 0 for box in evidence], axis=0) if evidence else np.zeros(len(fine), bool)
    return fine[np.sort(np.argsort(-(shows + 0.9 * random.random(len(fine))))[:count])]


def halves(random: np.random.Generator, side: int, tokens: int, priority: NDArray[np.float64]) -> Floats:
    """Returns a partition as `tree`, but boxes are split in two, across their longer side, squares either way."""
    cell = CELL << COARSE
    heap: list[tuple[float, int, int, int, int]] = []

    def push(y: int, x: int, high: int, wide: int) -> None:
        part = priority[y : y + high, x : x + wide]
        heapq.heappush(heap, (-float(part.sum()) if high * wide > 1 else 0.0, y, x, high, wide))

    for y, x in np.ndindex(side // cell, side // cell):
        push(y << COARSE, x << COARSE, 1 << COARSE, 1 << COARSE)
    while len(heap) < tokens:
        _, y, x, high, wide = heapq.heappop(heap)
        if high > wide or (high == wide and random.random() < 0.5):
            push(y, x, high // 2, wide)
            push(y + high // 2, x, high // 2, wide)
        else:
            push(y, x, high, wide // 2)
            push(y, x + wide // 2, high, wide // 2)
    boxes = [(y, x, y + high, x + wide) for _, y, x, high, wide in heap]
    return np.array(sorted(boxes), np.float64) * CELL


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
    """Returns the patches (n, 768) that show boxes; those of one shape must lie on one grid that starts at the corner.

    They are resampled by Lanczos' filter, or, with `random`, by one of several.
    """
    kind = Image.Resampling.LANCZOS if random is None else RESAMPLERS[random.integers(len(RESAMPLERS))]
    sides = boxes[:, 2:] - boxes[:, :2]
    found = np.empty((len(boxes), CELL * CELL * 3), np.float32)
    for shape in np.unique(sides, axis=0):
        own = (sides == shape).all(1)
        rows, columns = np.rint(np.array(image.shape[:2]) / shape).astype(int)
        level = image
        if tuple(shape) != (CELL, CELL):
            level = np.asarray(Image.fromarray(image).resize((columns * CELL, rows * CELL), kind))
        y, x = np.rint(boxes[own, :2] / shape).astype(int).T
        cut = level.reshape(rows, CELL, columns, CELL, 3)[y, :, x]
        found[own] = scaled(cut.transpose(0, 3, 1, 2).reshape(len(y), -1))
    return found
