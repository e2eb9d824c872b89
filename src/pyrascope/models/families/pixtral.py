"""Pixtral and Mistral3: images of any size in one sequence, whose patches are rotated by their row and column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ..stock.encode import Encoded
from ..stock.placeholders import Run
from ..stock.protocols import Model, Processor
from .parts.arrangement import Arrangement
from .parts.canvas import Canvas, whole_view
from .parts.layout import TokenLayout, packed
from .parts.small import VIT, Recipe, config_of, text
from .parts.tower import Cells, gathered
from .parts.trunk import centres
from .record import NOT_MASKING, Family


@dataclass(frozen=True)
class PixtralTower:
    """Pixtral as a LLaVA model: one patch is one token. Each is rotated by its centre."""

    def cell(self, model: Model) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        return int(_tower(model).patch_size * self.merge(model))

    def merge(self, model: Model) -> int:
        """Returns the patches along each side of a token's square."""
        return 1

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each image; see `Tower.items`."""
        cell = self.cell(model)
        return [(height // cell) * (width // cell) for height, width in _sizes(inputs)]

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns each image without its padding; see `Tower.canvases`."""
        views = zip(inputs["pixel_values"], _sizes(inputs), strict=True)
        return [whole_view(pixels[:, :height, :width], self.cell(model)) for pixels, (height, width) in views]

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns projected cells; see `Tower.encode`.

        Each image attends to itself alone, so they run one after the other, without a mask.
        """
        layers = getattr(model.config, "vision_feature_layer", -1)
        layers = [layers] if isinstance(layers, int) else layers
        states = [hidden_states(_tower(model), one, self.merge(model), layers) for one in cells]
        return gathered(states, lambda rows: self.project(model, rows), listed=True)

    def project(self, model: Model, states: Tensor) -> Tensor:
        """Returns cells (n, k * k, d) as the language model takes them: (n, e)."""
        out: Tensor = model.base_model.multi_modal_projector(states[:, 0])
        return out


@dataclass(frozen=True)
class Mistral3Tower(PixtralTower):
    """Mistral3 and LightOnOCR: the patches of a square are merged into one token."""

    def merge(self, model: Model) -> int:
        """Returns the patches along each side of a token's square."""
        return int(model.config.spatial_merge_size)

    def project(self, model: Model, states: Tensor) -> Tensor:
        """Returns normalised and merged cells; see `Pixtral.project`."""
        base = model.base_model
        inner = base.multi_modal_projector if hasattr(base, "multi_modal_projector") else base.vision_projection
        merged = inner.patch_merger.merging_layer(inner.norm(states).transpose(1, 2).flatten(1))
        out: Tensor = inner.linear_2(inner.act(inner.linear_1(merged)))
        return out


def hidden_states(tower: Any, cells: Cells, k: int, layers: Sequence[int]) -> Tensor:
    """Runs a PixtralTower tower on the k x k patches of each cell.

    Args:
        tower: The tower.
        cells: n cells of one image.
        k: Patches along each side of a cell.
        layers: Which hidden states, counted as transformers does: 0 before the first layer, -1 after the last.

    Returns:
        (n, k * k, d); several hidden states side by side along d.
    """
    weight = tower.patch_conv.weight
    hidden = functional.linear(cells.cut(k).flatten(1).to(weight), weight.flatten(1), tower.patch_conv.bias)[None]
    places = (centres(cells, k) - 0.5).to(hidden.device, torch.float32)  # the first native patch is at 0
    states = [tower.ln_pre(hidden)]
    rotation = tower.patch_positional_embedding(states[0], places)
    stack = tower.transformer.layers
    wanted = [layer % (len(stack) + 1) for layer in layers]
    for layer in stack[: max(wanted)]:
        states.append(layer(states[-1], None, position_embeddings=rotation))
    return torch.cat([states[number] for number in wanted], -1).reshape(len(cells.patches), k * k, -1)


def _tower(model: Model) -> Any:
    base = model.base_model
    return base.vision_tower if hasattr(base, "vision_tower") else base.vision_encoder


def _sizes(inputs: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Height and width of each image in pixels, without padding."""
    return [(int(height), int(width)) for height, width in inputs["image_sizes"]]


@dataclass(frozen=True)
class Mistral3Arrangement(Arrangement):
    """The grid of an image follows from its size."""

    packed: ClassVar[bool] = True

    def layouts(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        groups: Sequence[Sequence[Run]],
        processor: Processor | None = None,
    ) -> list[TokenLayout]:
        """Says where the visual tokens come from; see `Arrangement.layouts`."""
        size = model.config.vision_config.patch_size
        sides = [(int(high) // size, int(wide) // size) for high, wide in inputs["image_sizes"]]
        return packed(sides, getattr(model.config, "spatial_merge_size", 1))


MISTRAL3 = Family(
    types=("lighton_ocr", "mistral3"),
    arrangement=Mistral3Arrangement(),
    tower=Mistral3Tower(),
    row_breaks=("mistral3",),
    small={
        "mistral3": Recipe(
            "Mistral3",
            config_of({**VIT, "model_type": "pixtral", "head_dim": 16}, text("mistral"), spatial_merge_size=2),
            "sized",
        )
    },
)
MISTRAL4 = Family(
    types=("mistral_large4",),
    layers=NOT_MASKING,
    row_breaks=("mistral_large4",),
    small={"mistral_large4": {"text_config": {"kv_source_layers": [0, 1, 2]}}},
)
