"""InternVL: a square of patches is one token; large images come in tiles, in one unbroken run, the whole image last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..stock.encode import Encoded
from ..stock.placeholders import Run
from ..stock.protocols import Model, Processor
from ..stock.tower import has_cls, vision_module_of
from .llava import check_selection
from .parts.arrangement import ByRun, patches_of, tokens_of
from .parts.canvas import Canvas
from .parts.layout import TokenLayout, even_views, whole_last
from .parts.small import VIT, Recipe, config_of, text
from .parts.tiles import tiled, views_of
from .parts.tower import Cells, gathered, pixel_values
from .parts.trunk import check_view, encode_cells, trunk_of
from .record import Family


@dataclass(frozen=True)
class InternVLTower:
    """The patches of a cell are put side by side and projected."""

    def cell(self, model: Model) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        return trunk_of(model.base_model.vision_tower).patch * int(1 / model.config.downsample_ratio)

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each view; see `Tower.items`."""
        check_selection(model)
        count, _, height, width = pixel_values(inputs, "views, c, h, w").shape
        cell = self.cell(model)
        return [(height // cell) * (width // cell)] * count

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns the tiles of each image put together; see `Tower.canvases`."""
        check_view(trunk_of(model.base_model.vision_tower), inputs["pixel_values"])
        views = views_of(groups, self.items(model, inputs)[0])
        return [tiled(mine, self.cell(model)) for mine in torch.split(inputs["pixel_values"], views)]

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns projected cells; see `Tower.encode`."""
        layer = model.config.vision_feature_layer
        states = encode_cells(trunk_of(model.base_model.vision_tower), cells, [layer], norm=layer == -1)
        return gathered([one.flatten(1) for one in states], model.base_model.multi_modal_projector, listed=False)


@dataclass(frozen=True)
class InternVLArrangement(ByRun):
    """One image is one run, and its last view is the whole image."""

    def layouts(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        groups: Sequence[Sequence[Run]],
        processor: Processor | None = None,
    ) -> list[TokenLayout]:
        """Says where the visual tokens come from; see `Arrangement.layouts`.

        The last of several views is the whole image. How its tiles are arranged, nothing in the inputs tells.
        """
        side, merge = patches_of(model, inputs), round(1 / model.config.downsample_ratio)
        cells = (side[0] // merge) * (side[1] // merge)
        found = even_views(tokens_of(groups), side, merge, has_cls(vision_module_of(model)))
        return [
            replace(one, tiles=whole_last(count // cells, cells))
            for one, count in zip(found, tokens_of(groups), strict=True)
        ]


SMALL = {**VIT, "model_type": "internvl_vision", "image_size": [64, 64], "patch_size": [8, 8]}
INTERNVL = Family(
    types=("internvl",),
    arrangement=InternVLArrangement(),
    tower=InternVLTower(),
    biased=True,
    small={"internvl": Recipe("InternVL", config_of(SMALL, text("qwen2"), downsample_ratio=0.5))},
)
