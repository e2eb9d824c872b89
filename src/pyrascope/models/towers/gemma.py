"""PaliGemma and Gemma3: a SigLIP tower; a token is one patch, or the mean of a square of patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..stock.encode import Encoded
from .llava import Llava
from .tower import Cells, gathered
from .trunk import encode_cells, trunk_of


@dataclass(frozen=True)
class PaliGemma(Llava):
    """One patch is one token."""

    def encode(self, model: Any, cells: Sequence[Cells]) -> Encoded:
        """Returns projected patches; see `Tower.encode`."""
        states = encode_cells(trunk_of(model.base_model.vision_tower), cells, norm=True)
        return gathered([one.flatten(0, 1) for one in states], model.base_model.multi_modal_projector, listed=False)


@dataclass(frozen=True)
class Gemma3(Llava):
    """A square of patches, pooled, is one token."""

    def cell(self, model: Any) -> int:
        """Returns the side of what is pooled; see `Tower.cell`."""
        return super().cell(model) * int(model.base_model.multi_modal_projector.kernel_size)

    def encode(self, model: Any, cells: Sequence[Cells]) -> Encoded:
        """Returns pooled and projected cells; see `Tower.encode`."""
        projector = model.base_model.multi_modal_projector

        def project(rows: Tensor) -> Tensor:
            normed = projector.mm_soft_emb_norm(rows)
            return torch.matmul(normed, projector.mm_input_projection_weight).type_as(rows)

        states = encode_cells(trunk_of(model.base_model.vision_tower), cells, norm=True)
        return gathered([one.mean(1) for one in states], project, listed=False)
