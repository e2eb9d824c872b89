"""PaddleOCR-VL: a tower packed as Qwen's, its patches in reading order, merged by the projector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..stock.encode import Encoded
from ..stock.placeholders import Run
from ..stock.protocols import Model
from .parts.canvas import Canvas, raster
from .parts.small import SECTIONS
from .parts.tower import Cells, gathered
from .qwen import geometry_of
from .record import Family


@dataclass(frozen=True)
class PaddleOCRTower:
    """Each patch is rotated by its centre, and has there its sample of the table of positions."""

    def cell(self, model: Model) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        vision = model.config.vision_config
        return int(vision.patch_size * vision.spatial_merge_size)

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each image; see `Tower.items`."""
        return [int(count) // model.config.vision_config.spatial_merge_size**2 for count in _grids(inputs).prod(1)]

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns each image, put together from its patches; see `Tower.canvases`."""
        merge = model.config.vision_config.spatial_merge_size
        grids, cell, out = _grids(inputs).tolist(), self.cell(model), []
        for patches, (_, height, width) in zip(
            inputs["pixel_values"].split([t * h * w for t, h, w in grids]), grids, strict=True
        ):
            rows, columns = height // merge, width // merge
            pixels = patches.reshape(height, width, *patches.shape[1:]).permute(2, 0, 3, 1, 4)
            pixels = pixels.reshape(-1, rows * cell, columns * cell)
            out.append(Canvas(pixels, cell, (rows, columns), raster(rows, columns), rows * columns))
        return out

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns merged cells; see `Tower.encode`."""
        base, merge = model.base_model, model.config.vision_config.spatial_merge_size
        rows = torch.cat([one.cut(merge) for one in cells]).to(base.visual.dtype)
        geometry = geometry_of(cells, merge, base.visual.vision_model.embeddings)
        geometry = {name: value.to(rows.device) for name, value in geometry.items()}
        nowhere = torch.zeros(1, 3, dtype=torch.long, device=rows.device)  # a tower that looks at the grid fails
        states = base.visual(pixel_values=rows[None], grid_thw=nowhere, **geometry).last_hidden_state
        squares = states.reshape(-1, merge**2, states.shape[-1]).split([len(one.patches) for one in cells])

        def project(states: torch.Tensor) -> torch.Tensor:
            each = torch.tensor([[len(states), merge, merge]], device=states.device)  # a cell is a frame of its own
            out: torch.Tensor = base.projector(states.flatten(0, 1), each)
            return out

        return gathered(squares, project, listed=True)


def _grids(inputs: Mapping[str, Any]) -> torch.Tensor:
    grids: torch.Tensor = inputs["image_grid_thw"]
    return grids


PADDLE_OCR = Family(
    types=("paddleocr_vl",),
    tower=PaddleOCRTower(),
    square_patches=True,
    small={"paddleocr_vl": SECTIONS},
)
