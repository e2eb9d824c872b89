"""LLaVA-NeXT and LLaVA-OneVision: the whole image, then its tiles put together, without their padding (AnyRes)."""

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...allocation.ties import ROUNDED, first_of_largest
from ...allocation.tiles import Views, at_centres
from ..stock.placeholders import Run
from ..stock.tower import has_cls, tower_of
from .family import KEEPS_CLS, Family, patches_of, setting
from .parts.layout import Layout, one_view

NO_LIMIT = "anyres_max_1000000000"


@dataclass(frozen=True)
class AnyRes(Family):
    """The model's own packing is run on what is to be known, so that its padding and line breaks are met.

    The tiles' rows run through all tiles that lie side by side, and a line break ends each; it belongs to the tile
    before it and has no patch. LLaVA-OneVision shrinks what is too large: a token then has a share of its neighbours.
    """

    def layouts(
        self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]], processor: Any = None
    ) -> list[Layout]:
        """Says where the visual tokens come from; see `Family.layouts`."""
        side = patches_of(model, inputs)
        cls = has_cls(tower_of(model))
        if cls and setting(model, inputs, "vision_feature_select_strategy") == "full":
            raise NotImplementedError(KEEPS_CLS)
        lookers = 1 if cls else side[0] * side[1]
        out, start = [], 0
        for size, views in zip(inputs["image_sizes"], _views(model, inputs), strict=True):
            pack = _packing(model, inputs, size)
            mean = _of_views(pack, start, views, side, cls)
            cells = torch.ones(views, side[0] * side[1], 1, dtype=torch.float64)
            out.append(
                Layout(
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


def _views(model: Any, inputs: Mapping[str, Any]) -> list[int]:
    """The number of views of each image, as the model counts them."""
    count = importlib.import_module(type(model).__module__).image_size_to_num_patches
    sizes, prompts = inputs["image_sizes"], inputs.get("batch_num_images")
    alone = [True] * len(sizes) if prompts is None else [int(n) == 1 for n in prompts for _ in range(int(n))]
    pinpoints, side = model.config.image_grid_pinpoints, model.config.vision_config.image_size
    return [
        int(count(image_size=size, grid_pinpoints=pinpoints, patch_size=side)) if tiled else 1
        for size, tiled in zip(sizes, alone, strict=True)
    ]


def _packing(model: Any, inputs: Mapping[str, Any], size: Tensor) -> Packing:
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
    number = first_of_largest(shares, ROUNDED)  # between two tiles the first
    number[breaks] = number[breaks - 1]
    shown = number[cells:].reshape(len(breaks), -1)[:, :-1] - 1
    return Views(number, at_centres(shown, side))
