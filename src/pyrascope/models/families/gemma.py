"""PaliGemma and Gemma: a SigLIP tower, whose tokens are patches or means of squares of patches; Gemma3n and 4."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..stock.encode import Encoded
from ..stock.protocols import Model
from .llava import LlavaArrangement, LlavaTower
from .parts.small import FASTVIT, SIGLIP, Recipe, config_of, text
from .parts.tokens import END, START
from .parts.tower import Cells, gathered
from .parts.trunk import encode_cells, trunk_of
from .record import NOT_MASKING, OF_CONVOLUTIONS, Family


@dataclass(frozen=True)
class PaliGemmaTower(LlavaTower):
    """One patch is one token."""

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns projected patches; see `Tower.encode`."""
        states = encode_cells(trunk_of(model.base_model.vision_tower), cells, norm=True)
        return gathered([one.flatten(0, 1) for one in states], model.base_model.multi_modal_projector, listed=False)


@dataclass(frozen=True)
class Gemma3Tower(LlavaTower):
    """A square of patches, pooled, is one token."""

    def cell(self, model: Model) -> int:
        """Returns the side of what is pooled; see `Tower.cell`."""
        return super().cell(model) * int(model.base_model.multi_modal_projector.kernel_size)

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns pooled and projected cells; see `Tower.encode`."""
        projector = model.base_model.multi_modal_projector

        def project(rows: Tensor) -> Tensor:
            normed = projector.mm_soft_emb_norm(rows)
            return torch.matmul(normed, projector.mm_input_projection_weight).type_as(rows)

        states = encode_cells(trunk_of(model.base_model.vision_tower), cells, norm=True)
        return gathered([one.mean(1) for one in states], project, listed=False)


PALIGEMMA = Family(
    types=("paligemma",),
    arrangement=LlavaArrangement(),
    tower=PaliGemmaTower(),
    biased=True,
    small={
        "paligemma": Recipe("PaliGemma", config_of({**SIGLIP, "projection_dim": 64}, text("gemma"), projection_dim=64))
    },
)
GEMMA3 = Family(
    types=("gemma3",),
    arrangement=LlavaArrangement(),
    tower=Gemma3Tower(),
    biased=True,
    small={
        "gemma3": Recipe(
            "Gemma3",
            config_of(
                SIGLIP,
                text("gemma3_text", sliding_window=16),
                mm_tokens_per_image=16,
                boi_token_index=START,
                eoi_token_index=END,
            ),
        )
    },
)
GEMMA3N = Family(
    types=("gemma3n",),
    tower=OF_CONVOLUTIONS,
    layers=NOT_MASKING,  # its layers pass on several versions of the hidden state, stacked
    needs="timm",
    small={
        "gemma3n": {  # its own tower has 84 blocks, which round a batch and a row 1e-5 apart
            "vision_soft_tokens_per_image": 16,
            "text_config": {"intermediate_size": 96},
            "vision_config": FASTVIT,
        }
    },
)
GEMMA4 = Family(
    types=("gemma4", "gemma4_unified"),
    small={
        "gemma4": {
            "vision_config": {
                "model_type": "gemma4_vision", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
                "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "patch_size": 8,
            },
        },
        "gemma4_unified": {
            "text_config": {"num_hidden_layers": 2, "layer_types": ["sliding_attention", "full_attention"]},
            "vision_config": {
                "model_type": "gemma4_unified_vision", "patch_size": 8, "pooling_kernel_size": 1, "mm_embed_dim": 64,
                "output_proj_dims": 64,
            },
        },
    },
)  # fmt: skip
