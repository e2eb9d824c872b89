"""LLaVA-NeXT and LLaVA-OneVision: a base view and tiles of the image, padded, and a token for the end of each row."""

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...signal.resample import resize
from ..families.parts.canvas import Canvas
from ..stock.placeholders import Run
from .llava import Llava, check_selection
from .tiles import laid_out
from .trunk import check_view, trunk_of

STOCK = "transformers.models.llava_next.modeling_llava_next"
"""Where stock chooses the tiles of an image and takes the padding away again."""


@dataclass(frozen=True)
class _Layout:
    """How stock lays an image out, in patches.

    Attributes:
        tiles: Rows and columns of tiles; (0, 0) where there is the base view alone.
        start: First row and column of the tiles' patches that is not padding.
        kept: Rows and columns of those that are not.
        grid: Rows and columns of tokens.
    """

    tiles: tuple[int, int]
    start: tuple[int, int]
    kept: tuple[int, int]
    grid: tuple[int, int]


@dataclass(frozen=True)
class AnyRes(Llava):
    """One patch is one token, of the whole image; below the full budget there is neither a base view nor row ends."""

    def items(self, model: Any, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each image, those of the base view and of row ends too; see `Tower.items`."""
        check_selection(model)
        return [_tokens(_side(model, self.cell(model)), layout) for layout in _layouts(model, self.cell(model), inputs)]

    def canvases(self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns the tiles of each image put together, without padding; see `Tower.canvases`."""
        cell = self.cell(model)
        side = _side(model, cell)
        layouts = _layouts(model, cell, inputs)
        check_view(trunk_of(model.base_model.vision_tower), inputs["pixel_values"])
        views = _views(inputs["pixel_values"], layouts)
        sizes = [(int(height), int(width)) for height, width in inputs["image_sizes"]]
        return [_canvas(*parts, side, cell) for parts in zip(views, layouts, sizes, strict=True)]


def _side(model: Any, cell: int) -> int:
    """Patches along each side of a view."""
    return int(model.config.vision_config.image_size) // cell


def _layouts(model: Any, cell: int, inputs: Mapping[str, Any]) -> list[_Layout]:
    stock, config, side = importlib.import_module(STOCK), model.config, _side(model, cell)
    numbers = inputs.get("batch_num_images")
    alone = [True] * len(inputs["image_sizes"])
    if numbers is not None:
        alone = [int(number) == 1 for number in numbers for _ in range(int(number))]
    most = getattr(config, "vision_aspect_ratio", "").removeprefix("anyres_max_")
    out = []
    for size, cut in zip(inputs["image_sizes"], alone, strict=True):
        if not cut:
            out.append(_Layout((0, 0), (0, 0), (side, side), (side, side)))
            continue
        tiles = stock.get_anyres_image_grid_shape(size, config.image_grid_pinpoints, config.vision_config.image_size)
        number = torch.arange(tiles[0] * side * tiles[1] * side).reshape(1, tiles[0] * side, tiles[1] * side)
        kept = stock.unpad_image(number, size)[0]
        start, grid = divmod(int(kept[0, 0]), tiles[1] * side), kept.shape
        ratio = math.sqrt(grid[0] * grid[1] / (int(most) * side**2)) if most else 0
        grid = (int(grid[0] // ratio), int(grid[1] // ratio)) if ratio > 1.1 else grid
        out.append(_Layout(tiles, start, tuple(kept.shape), tuple(grid)))
    return out


def _tokens(side: int, layout: _Layout) -> int:
    if layout.tiles == (0, 0):
        return side * side + 1
    return side * side + layout.grid[0] * (layout.grid[1] + 1)


def _views(pixels: Tensor, layouts: Sequence[_Layout]) -> list[Tensor]:
    """The views (n, c, h, w) of each image, from a padded batch (images, views, c, h, w) or from all in a row.

    Raises:
        ValueError: there are others than the sizes of the images ask for.
    """
    numbers = [1 + layout.tiles[0] * layout.tiles[1] for layout in layouts]
    padded = pixels.ndim == 5 and len(pixels) == len(numbers) and pixels.shape[1] >= max(numbers)
    if not padded and (pixels.ndim != 4 or len(pixels) != sum(numbers)):
        raise ValueError(
            f"pixel_values must hold {numbers} views of the images as image_sizes ask for, got shape "
            f"{tuple(pixels.shape)}; take both from one call of the model's processor"
        )
    if padded:
        return [mine[:number] for mine, number in zip(pixels, numbers, strict=True)]
    return list(torch.split(pixels, numbers))


def _canvas(views: Tensor, layout: _Layout, size: tuple[int, int], side: int, cell: int) -> Canvas:
    rows, columns = layout.grid
    if layout.tiles == (0, 0):
        tokens = torch.arange(rows * columns).reshape(rows, columns)
        return Canvas(views[0], cell, layout.grid, tokens, _tokens(side, layout))
    pixels = laid_out(views[1:], *layout.tiles)
    (top, left), (height, width) = layout.start, layout.kept
    shown = pixels[:, top * cell : (top + height) * cell, left * cell : (left + width) * cell]
    if layout.grid != layout.kept:
        shown = resize(shown, (rows * cell, columns * cell))
    tokens = side * side + torch.arange(rows * (columns + 1)).reshape(rows, columns + 1)[:, :columns]
    region = _region(size, pixels.shape[-2:], (top * cell, left * cell), (height * cell, width * cell))
    return Canvas(shown, cell, layout.grid, tokens, _tokens(side, layout), len(views), region=region)


def _region(
    size: tuple[int, int], padded: Sequence[int], start: tuple[int, int], extent: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The part of a source of `size` that is seen in a window of the picture that stock has fitted into `padded`."""
    scale = min(padded[0] / size[0], padded[1] / size[1])
    fitted = [min(math.ceil(size[axis] * scale), padded[axis]) for axis in (0, 1)]
    unit = [size[axis] / fitted[axis] for axis in (0, 1)]
    corner = [(start[axis] - (padded[axis] - fitted[axis]) // 2) * unit[axis] for axis in (0, 1)]
    return corner[0], corner[1], corner[0] + extent[0] * unit[0], corner[1] + extent[1] * unit[1]
