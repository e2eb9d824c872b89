"""SmolVLM and Idefics3: a square of patches, put side by side, is one token; large images come in tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..families.parts.canvas import Canvas
from ..stock.encode import Encoded
from ..stock.placeholders import Run
from .tiles import tiled, views_of
from .tower import Cells, gathered, pixel_values
from .trunk import encode_cells, trunk_of


@dataclass(frozen=True)
class SmolVLM:
    """The patches of a cell are joined by the connector."""

    def cell(self, model: Any) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        return int(model.config.vision_config.patch_size * model.config.scale_factor)

    def items(self, model: Any, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of all views of each prompt; see `Tower.items`."""
        pixels = pixel_values(inputs, "prompts, views, c, h, w")
        one = _tokens(pixels, self.cell(model))
        return [int(count) * one for count in _shown(pixels).sum(1)]

    def canvases(self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns the tiles of each image put together; see `Tower.canvases`.

        Raises:
            NotImplementedError: padding inside a view.
        """
        pixels = inputs["pixel_values"]
        shown = _shown(pixels)
        mask = inputs.get("pixel_attention_mask")
        if mask is not None and not bool(mask[shown].all()):
            raise NotImplementedError("plans need views without padding, got some in pixel_attention_mask")
        cell = self.cell(model)
        views = views_of(groups, _tokens(pixels, cell))
        return [tiled(mine, cell) for mine in torch.split(pixels[shown], views)]

    def encode(self, model: Any, cells: Sequence[Cells]) -> Encoded:
        """Returns joined cells; see `Tower.encode`."""
        trunk = trunk_of(model.base_model.vision_model, bucketed=True)
        states = encode_cells(trunk, cells, norm=True)
        project = model.base_model.connector.modality_projection
        return gathered([one.flatten(1) for one in states], project, listed=True)


def _tokens(pixels: Tensor, cell: int) -> int:
    """Tokens of one view."""
    return (pixels.shape[-2] // cell) * (pixels.shape[-1] // cell)


def _shown(pixels: Tensor) -> Tensor:
    """Which views (prompts, views) are not padding: those that are not all zeros, as stock has it."""
    return pixels.flatten(2).any(-1)
