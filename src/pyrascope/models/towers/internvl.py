"""InternVL: a square of patches of its own tower is one token; large images come in tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..families.parts.canvas import Canvas
from ..stock.encode import Encoded
from ..stock.placeholders import Run
from .llava import check_selection
from .tiles import tiled, views_of
from .tower import Cells, gathered, pixel_values
from .trunk import check_view, encode_cells, trunk_of


@dataclass(frozen=True)
class InternVL:
    """The patches of a cell are put side by side and projected."""

    def cell(self, model: Any) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        return trunk_of(model.base_model.vision_tower).patch * int(1 / model.config.downsample_ratio)

    def items(self, model: Any, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each view; see `Tower.items`."""
        check_selection(model)
        count, _, height, width = pixel_values(inputs, "views, c, h, w").shape
        cell = self.cell(model)
        return [(height // cell) * (width // cell)] * count

    def canvases(self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns the tiles of each image put together; see `Tower.canvases`."""
        check_view(trunk_of(model.base_model.vision_tower), inputs["pixel_values"])
        views = views_of(groups, self.items(model, inputs)[0])
        return [tiled(mine, self.cell(model)) for mine in torch.split(inputs["pixel_values"], views)]

    def encode(self, model: Any, cells: Sequence[Cells]) -> Encoded:
        """Returns projected cells; see `Tower.encode`."""
        layer = model.config.vision_feature_layer
        states = encode_cells(trunk_of(model.base_model.vision_tower), cells, [layer], norm=layer == -1)
        return gathered([one.flatten(1) for one in states], model.base_model.multi_modal_projector, listed=False)
