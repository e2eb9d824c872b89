"""A plan as ordinary images: a thumbnail and crops that a stock processor turns into exactly the plan's tokens."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..._check import shorten, whole_number
from ..ties import FINE, order_of
from .detail import Detail, Floats, View

CROPS = 3
"""Most crops beside the thumbnail where images may be of any size (more only where one image cannot hold enough)."""
THUMBNAILS = 8
"""Thumbnails that are tried."""
SMALLEST = 8
"""A thumbnail that crops stand beside has at least the tokens divided by this, where that can be."""
SHAPES = (0.5, 1.0, 2.0)
"""Rows for each column that are tried for crops that need not be exact."""
LONGEST = 8
"""Greatest ratio of the rows and columns of a crop."""
MOST_OBLONG = 200
"""Greatest ratio of the rows and columns of a thumbnail: processors of Qwen's kind refuse longer images."""
SQUEEZE = 4
"""Greatest ratio of the sides of what a token of the thumbnail shows."""
NEAREST = 6
"""Budgets that a refusal names."""

Grid = tuple[int, int]


@dataclass(frozen=True)
class Crop:
    """One ordinary image of a plan's export.

    Attributes:
        box: The part of the source to cut: y0, x0, y1, x1 in whole source pixels.
        size: Height and width in pixels to resize it to.
        tokens: Visual tokens that the processor makes of an image of this size.
    """

    box: tuple[int, int, int, int]
    size: tuple[int, int]
    tokens: int


def fixed_crops(boxes: Floats, size: tuple[int, int], tokens_per_crop: int, side: int | Sequence[int]) -> list[Crop]:
    """Returns a thumbnail and crops for a processor that makes the same number of tokens of every image.

    Each crop is put where it delivers most of the plan's detail that the images before it do not (see `Detail`).

    Args:
        boxes: The plan's boxes (n, 4); n must be a multiple of `tokens_per_crop`.
        size: Height and width of the image.
        tokens_per_crop: Tokens of one image.
        side: Side, or height and width, of the images that the processor takes as they are.

    Raises:
        TypeError, ValueError: no whole numbers, or a number of tokens that cannot be met; the message names those
            that can.
    """
    each = whole_number(tokens_per_crop, "tokens_per_crop", 1)
    sides = list(side) if isinstance(side, tuple | list) else [side] * 2
    if len(sides) != 2:
        raise ValueError(f"size must be a side or (height, width) in pixels, got {shorten(side)}")
    pixels = whole_number(sides[0], "size", 1), whole_number(sides[1], "size", 1)
    if len(boxes) % each:
        near = len(boxes) // each
        reachable = ", ".join(str(each * k) for k in range(max(near - 1, 1), near + 3))
        raise ValueError(
            f"with {each} tokens a crop the plan must have a multiple of {each} tokens ({reachable}, ...), got "
            f"{len(boxes)}; plan with such a budget"
        )
    detail = Detail(boxes, size)
    detail.show(View((0, 0, *size), each, pixels))
    crops = [detail.show_best([(each, pixels)]) for _ in range(len(boxes) // each - 1)]
    return [Crop((0, 0, *size), pixels, each), *(Crop(view.box, view.pixels, each) for view in crops)]


def grid_crops(
    boxes: Floats, size: tuple[int, int], patch: int, min_pixels: int = 1, max_pixels: int | None = None
) -> list[Crop]:
    """Returns a thumbnail and crops for a processor that keeps an image's resolution: one token a patch.

    Of thumbnails of several sizes, each with up to three crops that share the rest of the tokens, those are taken that
    deliver most of the plan's detail (see `Detail`).

    Args:
        boxes: The plan's boxes (n, 4).
        size: Height and width of the image.
        patch: Side in pixels of what becomes one token.
        min_pixels: Fewest pixels of an image that the processor does not enlarge.
        max_pixels: Most pixels of an image that it does not shrink; None for no limit.

    Raises:
        TypeError, ValueError: no whole numbers, or a number of tokens that no images within the limits have; the
            message names the nearest that can be had.
    """
    patch = whole_number(patch, "patch", 1)
    least = max(-(-whole_number(min_pixels, "min_pixels", 0) // patch**2), 1)
    limit = None if max_pixels is None else whole_number(max_pixels, "max_pixels", least * patch**2) // patch**2
    most = min(len(boxes), limit or len(boxes))
    start, plans = Detail(boxes, size), []
    thumbnails = _thumbnails(size, len(boxes), least, most)
    for some in (_thinned(thumbnails, -(-len(boxes) // SMALLEST)), thumbnails):
        for thumbnail in some:
            for crops in range(max(CROPS, -(-len(boxes) // max(most, 1))) + 1):
                made = _views(start, thumbnail, crops, patch, (least, most))
                plans += [made] if made else []
        if plans:
            break
    else:
        raise ValueError(_refusal(size, len(boxes), least, limit))
    _, views = max(plans, key=lambda plan: (round(plan[0], 6), -len(plan[1])))
    return [Crop(view.box, view.pixels, view.tokens) for view in views]


def _views(
    start: Detail, thumbnail: Grid, crops: int, patch: int, limits: tuple[int, int]
) -> tuple[float, list[View]] | None:
    """The detail that a thumbnail and that many crops deliver, and the views; None where the tokens do not come out."""
    detail, left = start.copy(), start.tokens
    rows, columns = thumbnail
    views = [View((0, 0, *start.size), rows * columns, (rows * patch, columns * patch))]
    detail.show(views[0])
    left -= rows * columns
    for after in reversed(range(crops)):
        grids = _near(left // (after + 1), *limits) if after else _exact(left, *limits)
        grids = [grid for grid in grids if left - math.prod(grid) >= after * limits[0]]
        if not grids:
            return None
        views.append(detail.show_best([(math.prod(grid), (grid[0] * patch, grid[1] * patch)) for grid in grids]))
        left -= views[-1].tokens
    return (detail.delivered, views) if left == 0 else None


def _thumbnails(size: tuple[int, int], tokens: int, least: int, most: int) -> list[Grid]:
    """The least squeezed grid of the whole image for each number of tokens that has one, from few tokens to many."""
    rows = np.arange(1, min(most, tokens) + 1)
    grids = np.concatenate([np.stack([np.full(most // r, r), np.arange(1, most // r + 1)], 1) for r in rows.tolist()])
    ratio = np.log((size[0] / grids[:, 0]) / (size[1] / grids[:, 1]))
    count = grids.prod(1)
    fits = (np.abs(ratio) <= math.log(SQUEEZE)) & (count >= least) & (grids.max(1) <= MOST_OBLONG * grids.min(1))
    grids, count, squeeze = grids[fits], count[fits], np.abs(ratio[fits])
    order = np.lexsort((order_of(squeeze, FINE, size=1.0), count))
    first = np.unique(count[order], return_index=True)[1]
    return [(int(r), int(c)) for r, c in grids[order][first]]


def _thinned(thumbnails: Sequence[Grid], smallest: int) -> list[Grid]:
    """A few of them, evenly from `smallest` tokens to many."""
    counts = np.array([rows * columns for rows, columns in thumbnails])
    if not len(counts) or counts[-1] < smallest:
        return []
    wanted = np.geomspace(max(counts[0], smallest), counts[-1], THUMBNAILS)
    picked = np.unique(np.searchsorted(counts, np.rint(wanted)))
    return [thumbnails[i] for i in picked]


def _near(tokens: int, least: int, most: int) -> list[Grid]:
    """Grids of several shapes of about that many tokens."""
    wanted = min(max(tokens, least), most)
    found = set()
    for shape in SHAPES:
        rows = max(1, round(math.sqrt(wanted * shape)))
        found.add((rows, max(1, -(-least // rows), min(round(wanted / rows), most // rows))))
    return sorted(grid for grid in found if grid[0] * grid[1] <= most)


def _exact(tokens: int, least: int, most: int) -> list[Grid]:
    """Grids of exactly that many tokens."""
    if not least <= tokens <= most:
        return []
    pairs = [(rows, tokens // rows) for rows in range(1, tokens + 1) if tokens % rows == 0]
    return [pair for pair in pairs if max(pair) <= LONGEST * min(pair)]


def _shows_all(size: tuple[int, int], tokens: int) -> bool:
    """Whether a grid of exactly that many tokens shows the whole image, squeezed no more than allowed."""
    rows = math.sqrt(tokens * size[0] / size[1])
    slack = math.sqrt(SQUEEZE)
    grids = ((one, tokens // one) for one in range(1, math.floor(rows * slack) + 1) if tokens % one == 0)
    return any(one >= rows / slack and max(one, more) <= MOST_OBLONG * min(one, more) for one, more in grids)


def _refusal(size: tuple[int, int], tokens: int, least: int, limit: int | None) -> str:
    """The sentence that names the nearest numbers of tokens that can be had."""

    def reachable(count: int) -> bool:
        most = min(count, limit or count)
        if count < 2 * least:  # no room for more than one image
            return most == count and _shows_all(size, count)
        whole = [rows * columns for rows, columns in _thumbnails(size, count, least, most)]
        return any(count == part or _exact(count - part, least, most) for part in whole)

    near = sorted(range(least, 2 * (tokens + least)), key=lambda count: abs(count - tokens))
    some = list(itertools.islice(filter(reachable, near), NEAREST))
    return (
        f"{tokens} tokens cannot be made up of images of {least} or more tokens each that show {size[0]}x{size[1]} px; "
        f"plan with a budget such as {', '.join(map(str, sorted(some))) or 'none: the image is too long'}"
    )
