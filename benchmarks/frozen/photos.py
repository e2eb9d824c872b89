"""Photographs for `frozen_encoder.py`: whole cells of a grid, with what people looked at, or which cells hold what."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyrascope.io import as_tensor
from pyrascope.methods.resize import resize_grid
from pyrascope.signal.resample import resize
from weights import PATCH

Boxes = list[tuple[float, float, float, float]]
"""y0, x0, y1, x1 as shares of the image."""


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph.

    Attributes:
        data: Name of its folder.
        name: Name of its file.
        image: (3, h, w) in [0, 1], sides are multiples of the patch.
        region: bool (rows, columns): the cells that matter by the data's own truth (a person, a word, a place that
            people looked at more than once); None where the data have none.
    """

    data: str
    name: str
    image: Tensor
    region: Tensor | None

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches: level 0."""
        return self.image.shape[1] // PATCH, self.image.shape[2] // PATCH


def persons(entry: Any) -> Boxes:
    """Boxes of persons of a COCO entry, crowds too."""
    boxes = [each["bbox_xywh"] for each in entry["objects"] if each["category"] == "person"]
    h, w = entry["height"], entry["width"]
    return [(y / h, x / w, (y + b) / h, (x + a) / w) for x, y, a, b in boxes]


def legible(words: Any) -> Boxes:
    """Boxes of the legible words of an ICDAR 2015 entry; its pictures have 1280x720 px."""
    quads = [word["quad"] for word in words if word["legible"]]
    return [(min(q[1::2]) / 720, min(q[::2]) / 1280, max(q[1::2]) / 720, max(q[::2]) / 1280) for q in quads]


TRUTH: dict[str, tuple[str, Callable[[Any], Boxes]]] = {
    "coco_tiny": ("annotations.json", persons),
    "icdar2015": ("words.json", legible),
}


def region_of(boxes: Boxes, grid: tuple[int, int]) -> Tensor:
    """Returns which cells have their centre in a box, bool (rows, columns)."""
    y, x = ((torch.arange(count) + 0.5) / count for count in grid)
    found = torch.zeros(grid, dtype=torch.bool)
    for y0, x0, y1, x1 in boxes:
        found |= ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))
    return found


def fixated(entry: Any, grid: tuple[int, int], square: bool) -> Tensor:
    """Returns which cells got two or more fixations, each person's first one left out, bool (rows, columns)."""
    h, w = entry["height"], entry["width"]
    points = torch.tensor([(y, x) for person in entry["subjects"] for x, y, _ in person[1:]])
    left, width = ((w - h) / 2, h) if square else (0, w)
    y, x = points[:, 0] / h, (points[:, 1] - left) / width
    inside = (y >= 0) & (y < 1) & (x >= 0) & (x < 1)
    cells = (y[inside] * grid[0]).long() * grid[1] + (x[inside] * grid[1]).long()
    return torch.bincount(cells, minlength=grid[0] * grid[1]).view(grid) >= 2


def squared(image: Tensor, boxes: Boxes) -> tuple[Tensor, Boxes]:
    """Returns the middle square of an image, and boxes as shares of it."""
    h, w = image.shape[-2:]
    side = min(h, w)
    top, left = (h - side) // 2, (w - side) // 2
    moved = [
        ((y0 * h - top) / side, (x0 * w - left) / side, (y1 * h - top) / side, (x1 * w - left) / side)
        for y0, x0, y1, x1 in boxes
    ]
    return image[:, top : top + side, left : left + side], moved


def load_photos(folder: Path, count: int, cells: int, square: bool, without: Collection[str] = ()) -> list[Photo]:
    """Returns photographs of a folder, in the order of their names, resized to about `cells` patches.

    Args:
        folder: One of the data folders, with its own name.
        count: How many at most, evenly over the names.
        cells: Patches at most; the grid keeps the picture's proportions. Smaller pictures are left out.
        square: Take the middle square.
        without: Names that are left out before the others are counted.
    """
    root = folder / "images" if (folder / "images").is_dir() else folder
    files = sorted(file for file in root.iterdir() if file.suffix in (".jpg", ".png"))
    files = [file for file in files if file.name not in without]
    if not files:
        raise FileNotFoundError(f"expected a folder of .jpg or .png pictures, got none in {root}")
    name, boxes_of = TRUTH.get(folder.name, ("", lambda _: []))
    notes = json.loads((folder / (name or "fixations.json")).read_text()) if name or folder.name == "osie" else {}
    photos = []
    for file in [files[k * len(files) // min(count, len(files))] for k in range(min(count, len(files)))]:
        image, _ = as_tensor(file)
        boxes = boxes_of(notes.get(file.name))
        if square:
            image, boxes = squared(image, boxes)
        size = image.shape[1], image.shape[2]
        if not square and (size[0] // PATCH) * (size[1] // PATCH) < cells:
            continue
        side = round(cells**0.5)
        grid = (side, side) if square else resize_grid(size, cells, PATCH)
        region = region_of(boxes, grid) if name else None
        if folder.name == "osie":
            region = fixated(notes[file.name], grid, square)
        small = resize(image[:3].expand(3, -1, -1), (grid[0] * PATCH, grid[1] * PATCH)).clamp(0, 1)
        photos.append(Photo(folder.name, file.name, small, region))
    return photos
