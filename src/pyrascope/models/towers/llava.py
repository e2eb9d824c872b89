"""LLaVA: one patch of a CLIP or SigLIP tower is one token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..families.parts.canvas import Canvas, raster
from ..stock.encode import Encoded
from ..stock.placeholders import Run
from .tower import Cells, gathered, pixel_values
from .trunk import check_view, encode_cells, trunk_of


def whole_view(pixels: Tensor, cell: int) -> Canvas:
    """Returns an image (c, h, w) that the tower sees in one view; what fills no cell is left out, as stock does."""
    rows, columns = (side // cell for side in pixels.shape[-2:])
    shown = pixels[:, : rows * cell, : columns * cell]
    return Canvas(shown, cell, (rows, columns), raster(rows, columns), rows * columns)


@dataclass(frozen=True)
class Llava:
    """The hidden state that the model selects, projected."""

    def cell(self, model: Any) -> int:
        """Returns the side of a patch; see `Tower.cell`."""
        return trunk_of(model.base_model.vision_tower).patch

    def items(self, model: Any, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the patches of each image; see `Tower.items`.

        Raises:
            NotImplementedError: the class token is a visual token, or a patch is dropped in its stead.
        """
        check_selection(model)
        count, _, height, width = pixel_values(inputs, "images, c, h, w").shape
        cell = self.cell(model)
        return [(height // cell) * (width // cell)] * count

    def canvases(self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns each image as it is; see `Tower.canvases`."""
        check_view(trunk_of(model.base_model.vision_tower), inputs["pixel_values"])
        cell = self.cell(model)
        return [whole_view(pixels, cell) for pixels in inputs["pixel_values"]]

    def encode(self, model: Any, cells: Sequence[Cells]) -> Encoded:
        """Returns projected patches; see `Tower.encode`."""
        layers = model.config.vision_feature_layer
        states = encode_cells(
            trunk_of(model.base_model.vision_tower), cells, [layers] if isinstance(layers, int) else layers
        )
        return gathered([one.flatten(0, 1) for one in states], model.base_model.multi_modal_projector, listed=True)


def check_selection(model: Any) -> None:
    """Refuses selections of features that are no patches (NotImplementedError)."""
    strategy = getattr(model.config, "vision_feature_select_strategy", "full")
    classed = trunk_of(model.base_model.vision_tower).first is not None
    if classed != (strategy == "default"):
        raise NotImplementedError(
            f"plans need visual tokens that are patches, got vision_feature_select_strategy={strategy!r} with a tower "
            f"{'with' if classed else 'without'} a class token; use a reducer"
        )
