"""Mistral3's tower (Pixtral), which rotates patches by their row and column: a square of patches is one token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..canvas import Canvas
from ..encode import Encoded
from ..placeholders import Run
from .llava import whole_view
from .tower import Cells, gathered
from .trunk import centres


@dataclass(frozen=True)
class Mistral3:
    """The patches of a cell, each rotated by its centre, are normalised and merged by the projector."""

    def cell(self, model: Any) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        return int(model.base_model.vision_tower.patch_size * model.config.spatial_merge_size)

    def items(self, model: Any, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each image; see `Tower.items`."""
        cell = self.cell(model)
        return [(height // cell) * (width // cell) for height, width in _sizes(inputs)]

    def canvases(self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns each image without its padding; see `Tower.canvases`."""
        views = zip(inputs["pixel_values"], _sizes(inputs), strict=True)
        return [whole_view(pixels[:, :height, :width], self.cell(model)) for pixels, (height, width) in views]

    def encode(self, model: Any, cells: Sequence[Cells]) -> Encoded:
        """Returns merged cells; see `Tower.encode`.

        Each image attends to itself alone, so they run one after the other, without a mask.
        """
        base, k = model.base_model, model.config.spatial_merge_size
        layer = model.config.vision_feature_layer
        layer = layer if isinstance(layer, int) else layer[0]  # the projector's norm has room for one
        states = [hidden_state(base.vision_tower, one, k, layer) for one in cells]

        def project(rows: Tensor) -> Tensor:
            inner = base.multi_modal_projector
            merged = inner.patch_merger.merging_layer(inner.norm(rows).transpose(1, 2).flatten(1))
            projected: Tensor = inner.linear_2(inner.act(inner.linear_1(merged)))
            return projected

        return gathered([state.unflatten(0, (-1, k * k)) for state in states], project, listed=True)


def hidden_state(tower: Any, cells: Cells, k: int, layer: int) -> Tensor:
    """Runs a Pixtral tower on the k x k patches of each cell.

    Args:
        tower: The tower.
        cells: Of one image.
        k: Patches along each side of a cell.
        layer: Which hidden state, counted as transformers does: 0 before the first layer, -1 after the last.

    Returns:
        (n * k * k, d), the patches of a cell together.
    """
    weight = tower.patch_conv.weight
    hidden = functional.linear(cells.cut(k).flatten(1).to(weight), weight.flatten(1), tower.patch_conv.bias)[None]
    hidden = tower.ln_pre(hidden)
    places = (centres(cells, k) - 0.5).to(hidden.device, torch.float32)  # the first native patch is at 0
    rotation = tower.patch_positional_embedding(hidden, places)
    layers = tower.transformer.layers
    for one in layers[: layer % (len(layers) + 1)]:
        hidden = one(hidden, None, position_embeddings=rotation)
    out: Tensor = hidden[0]
    return out


def _sizes(inputs: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Height and width of each image in pixels, without padding."""
    return [(int(height), int(width)) for height, width in inputs["image_sizes"]]
