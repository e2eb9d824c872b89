"""LLaVA-NeXT and LLaVA-OneVision (AnyRes): a view of the whole image, then its tiles without their padding."""

import importlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...allocation.contracts.tiles import Views, at_centres
from ...allocation.ties import ROUNDED, first_of_largest
from ...signal.resample import resize
from ..stock.placeholders import Run
from ..stock.protocols import Model, Processor
from ..stock.tower import has_cls, vision_module_of
from .llava import LlavaTower, check_selection
from .parts.arrangement import KEEPS_CLS, Arrangement, patches_of, setting
from .parts.canvas import Canvas
from .parts.layout import TokenLayout, one_view
from .parts.small import CLIP, SIGLIP, Recipe, config_of, text
from .parts.tiles import laid_out
from .parts.tokens import VIDEO
from .parts.trunk import check_view, trunk_of
from .record import Family

STOCK = "transformers.models.llava_next.modeling_llava_next"
"""Where stock chooses the tiles of an image and takes the padding away again."""


@dataclass(frozen=True)
class _Padding:
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
class AnyResTower(LlavaTower):
    """One patch is one token, of the whole image; below the full budget there is neither a base view nor row ends."""

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each image, those of the base view and of row ends too; see `Tower.items`."""
        check_selection(model)
        return [_tokens(_side(model, self.cell(model)), layout) for layout in _layouts(model, self.cell(model), inputs)]

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns the tiles of each image put together, without padding; see `Tower.canvases`."""
        cell = self.cell(model)
        side = _side(model, cell)
        layouts = _layouts(model, cell, inputs)
        check_view(trunk_of(model.base_model.vision_tower), inputs["pixel_values"])
        views = _views(inputs["pixel_values"], layouts)
        sizes = [(int(height), int(width)) for height, width in inputs["image_sizes"]]
        return [_canvas(*parts, side, cell) for parts in zip(views, layouts, sizes, strict=True)]


def _side(model: Model, cell: int) -> int:
    """Patches along each side of a view."""
    return int(model.config.vision_config.image_size) // cell


def _layouts(model: Model, cell: int, inputs: Mapping[str, Any]) -> list[_Padding]:
    stock, config, side = importlib.import_module(STOCK), model.config, _side(model, cell)
    most = getattr(config, "vision_aspect_ratio", "").removeprefix("anyres_max_")
    out = []
    for size, tiled in zip(inputs["image_sizes"], _tiled(inputs), strict=True):
        if not tiled:
            out.append(_Padding((0, 0), (0, 0), (side, side), (side, side)))
            continue
        tiles = stock.get_anyres_image_grid_shape(size, config.image_grid_pinpoints, config.vision_config.image_size)
        number = torch.arange(tiles[0] * side * tiles[1] * side).reshape(1, tiles[0] * side, tiles[1] * side)
        kept = stock.unpad_image(number, size)[0]
        if not kept.numel():  # so narrow that stock takes all of its tiles for padding; ends of rows may be left
            out.append(_Padding(tiles, (0, 0), (0, 0), (int(kept.shape[0]), int(kept.shape[1]))))
            continue
        start, grid = divmod(int(kept[0, 0]), tiles[1] * side), kept.shape
        ratio = math.sqrt(grid[0] * grid[1] / (int(most) * side**2)) if most else 0
        grid = (int(grid[0] // ratio), int(grid[1] // ratio)) if ratio > 1.1 else grid
        out.append(_Padding(tiles, start, tuple(kept.shape), tuple(grid)))
    return out


def _tiled(inputs: Mapping[str, Any]) -> list[bool]:
    """Which images stock cuts into tiles: those that are alone in their prompt."""
    numbers = inputs.get("batch_num_images")
    if numbers is None:
        return [True] * len(inputs["image_sizes"])
    return [int(number) == 1 for number in numbers for _ in range(int(number))]


def _tokens(side: int, layout: _Padding) -> int:
    if layout.tiles == (0, 0):
        return side * side + 1
    return side * side + layout.grid[0] * (layout.grid[1] + 1)


def _views(pixels: Tensor, layouts: Sequence[_Padding]) -> list[Tensor]:
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


def _canvas(views: Tensor, layout: _Padding, size: tuple[int, int], side: int, cell: int) -> Canvas:
    if layout.tiles != (0, 0) and layout.kept == (0, 0):
        shown, tokens = views[0, :, : side * cell, : side * cell], torch.arange(side * side).reshape(side, side)
        return Canvas(shown, cell, (side, side), tokens, _tokens(side, layout), len(views))
    rows, columns = layout.grid
    if layout.tiles == (0, 0):
        tokens = torch.arange(rows * columns).reshape(rows, columns)
        shown = views[0, :, : side * cell, : side * cell]
        return Canvas(shown, cell, layout.grid, tokens, _tokens(side, layout))
    whole = side * cell  # what fills no patch at the right and the bottom of a view is left out, as the tower does
    pixels = laid_out(views[1:, :, :whole, :whole], *layout.tiles)
    padded = [tiles * int(views.shape[-1]) for tiles in layout.tiles]
    (top, left), (height, width) = layout.start, layout.kept
    shown = pixels[:, top * cell : (top + height) * cell, left * cell : (left + width) * cell]
    if layout.grid != layout.kept:
        shown = resize(shown, (rows * cell, columns * cell))
    tokens = side * side + torch.arange(rows * (columns + 1)).reshape(rows, columns + 1)[:, :columns]
    stretch = views.shape[-1] / side  # px of a view for each of its patches
    region = _region(size, padded, (top * stretch, left * stretch), (height * stretch, width * stretch))
    return Canvas(shown, cell, layout.grid, tokens, _tokens(side, layout), len(views), region=region)


def _region(
    size: tuple[int, int], padded: Sequence[int], start: tuple[float, float], extent: tuple[float, float]
) -> tuple[float, float, float, float]:
    """The part of a source of `size` that is seen in a window of the picture that stock has fitted into `padded`."""
    scale = min(padded[0] / size[0], padded[1] / size[1])
    fitted = [min(math.ceil(size[axis] * scale), padded[axis]) for axis in (0, 1)]
    unit = [size[axis] / fitted[axis] for axis in (0, 1)]
    corner = [(start[axis] - (padded[axis] - fitted[axis]) // 2) * unit[axis] for axis in (0, 1)]
    return corner[0], corner[1], corner[0] + extent[0] * unit[0], corner[1] + extent[1] * unit[1]


NO_LIMIT = "anyres_max_1000000000"


@dataclass(frozen=True)
class AnyResArrangement(Arrangement):
    """The model's own packing is run on what is to be known, so that its padding and line breaks are met.

    The tiles' rows run through all tiles that lie side by side, and a line break ends each; it belongs to the tile
    before it and has no patch. LLaVA-OneVision shrinks what is too large: a token then has a share of its neighbours.
    """

    def layouts(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        groups: Sequence[Sequence[Run]],
        processor: Processor | None = None,
    ) -> list[TokenLayout]:
        """Says where the visual tokens come from; see `Arrangement.layouts`."""
        side = patches_of(model, inputs)
        cls = has_cls(vision_module_of(model))
        if cls and setting(model, inputs, "vision_feature_select_strategy") == "full":
            raise NotImplementedError(KEEPS_CLS)
        lookers = 1 if cls else side[0] * side[1]
        out, start = [], 0
        for size, views in zip(inputs["image_sizes"], _views_of(model, inputs), strict=True):
            pack = _packing(model, inputs, size)
            mean = _of_views(pack, start, views, side, cls)
            cells = torch.ones(views, side[0] * side[1], 1, dtype=torch.float64)
            out.append(
                TokenLayout(
                    tiles=_tiles(pack, views, side),
                    mean=mean,
                    patches=_patches(pack(cells, None), pack(cells, NO_LIMIT), side[0] * side[1]),
                    lookers=lookers,
                )
            )
            start += views
        return out


Packing = Callable[[Tensor, str | None], Tensor]
"""Takes values (views, patches, c) and what limits the number of tokens, None for the model's; returns (n, c)."""


def _views_of(model: Model, inputs: Mapping[str, Any]) -> list[int]:
    """The number of views of each image, as the model counts them."""
    count = importlib.import_module(type(model).__module__).image_size_to_num_patches
    pinpoints, side = model.config.image_grid_pinpoints, model.config.vision_config.image_size
    return [
        int(count(image_size=size, grid_pinpoints=pinpoints, patch_size=side)) if tiled else 1
        for size, tiled in zip(inputs["image_sizes"], _tiled(inputs), strict=True)
    ]


def _packing(model: Model, inputs: Mapping[str, Any], size: Tensor) -> Packing:
    base = model.base_model
    names = inspect.signature(base.pack_image_features).parameters
    known = {name: setting(model, inputs, name) for name in names}

    def pack(values: Tensor, limit: str | None) -> Tensor:
        known["image_features"], known["image_sizes"] = [values], size[None]
        known["image_newline"] = values.new_zeros(values.shape[-1])
        given = {**known, "vision_aspect_ratio": limit} if limit and "vision_aspect_ratio" in known else known
        packed: Tensor = base.pack_image_features(**given)[0][0]
        return packed

    return pack


def _of_views(pack: Packing, start: int, views: int, side: tuple[int, int], cls: bool) -> Callable[[Tensor], Tensor]:
    def mean(values: Tensor) -> Tensor:
        each = values.reshape(-1, cls + side[0] * side[1], values.shape[-1])
        return pack(each[start : start + views, int(cls) :], None)

    return mean


def _patches(ones: Tensor, whole: Tensor, first: int) -> Tensor:
    """How many patches each token stands for: of the tiles, all alike share what they show."""
    real = ones.flatten().clone()
    real[first:] *= whole[first:].sum() / real[first:].sum().clamp(min=1)
    return real


def _tiles(pack: Packing, views: int, side: tuple[int, int]) -> Tensor | Views:
    cells = side[0] * side[1]
    marks = torch.eye(views, dtype=torch.float64)[:, None].expand(views, cells, views)
    shares = pack(marks, None)
    if views == 1:
        return one_view(len(shares))
    breaks = (shares.sum(1) == 0).nonzero().flatten()
    if len(shares) - len(breaks) == cells:  # nothing is left of the tiles but ends of rows
        return torch.cat([torch.zeros(cells, dtype=torch.long), torch.ones(len(breaks), dtype=torch.long)])
    number = first_of_largest(shares, ROUNDED)  # between two tiles the first
    number[breaks] = number[breaks - 1]
    shown = number[cells:].reshape(len(breaks), -1)[:, :-1] - 1
    return Views(number, at_centres(shown, side))


PINPOINTS = [[64, 64], [64, 128], [128, 64], [128, 128]]
LLAVA_NEXT = Family(
    types=("llava_next", "llava_onevision"),
    arrangement=AnyResArrangement(),
    tower=AnyResTower(),
    biased=True,
    small={
        "llava_next": Recipe("LlavaNext", config_of(CLIP, text("llama"), image_grid_pinpoints=PINPOINTS), "anyres"),
        "llava_onevision": Recipe(
            "LlavaOnevision",
            config_of(
                SIGLIP,
                text("qwen2"),
                image_grid_pinpoints=PINPOINTS,
                video_token_id=VIDEO,
                vision_feature_select_strategy="full",
                vision_feature_layer=-1,
            ),
            "anyres",
        ),
    },
)
