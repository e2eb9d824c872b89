"""Sizes of small models, which the recipes of the families share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .tokens import END, IMAGE, PAD, START, VIDEO

TEXT = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "head_dim": 16,
    "num_key_value_heads": 2, "vocab_size": 100, "pad_token_id": PAD, "bos_token_id": 1, "eos_token_id": 99,
}  # fmt: skip
VIT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": 64, "patch_size": 8,
}  # fmt: skip
CLIP, SIGLIP = {**VIT, "model_type": "clip_vision_model"}, {**VIT, "model_type": "siglip_vision_model"}
QWEN = {
    "depth": 2, "num_heads": 2, "patch_size": 8, "spatial_merge_size": 2, "temporal_patch_size": 2,
}  # fmt: skip
THETA = {"rope_type": "default", "rope_theta": 10000.0}
SECTIONS = {"text_config": {"rope_parameters": {**THETA, "mrope_section": [2, 3, 3]}}}
"""Sections of M-RoPE for heads of 16."""
FASTVIT: dict[str, Any] = {
    "architecture": "fastvit_mci3", "hidden_size": 64,
    "model_args": {
        "layers": [1] * 5, "embed_dims": [16, 16, 16, 32, 32], "downsamples": [False, False, False, True, True],
        "inference_mode": True,
    },
}  # fmt: skip
"""A tower of convolutions by timm."""


@dataclass(frozen=True)
class Recipe:
    """A small model of a type, written out whole.

    Attributes:
        prefix: Of the names of its classes in transformers.
        config: Makes its configuration.
        images: How its processor gives images: one of the styles of `verify.small.noise`.
    """

    prefix: str
    config: Callable[[], dict[str, Any]]
    images: str = "plain"


def text(kind: str, **more: Any) -> dict[str, Any]:
    """Returns the configuration of a small language model of a type."""
    return {**TEXT, "model_type": kind, **more}


def config_of(tower: Mapping[str, Any], text: Mapping[str, Any], **more: Any) -> Callable[[], dict[str, Any]]:
    """Returns what makes the configuration of a model from that of its tower and its language model."""
    return lambda: {"vision_config": dict(tower), "text_config": dict(text), "image_token_id": IMAGE, **more}


def qwen_config(rope: Mapping[str, Any] | None = None, **vision: Any) -> Callable[[], dict[str, Any]]:
    """Returns what makes the configuration of a model like Qwen2-VL, by what is particular to its tower and M-RoPE."""
    turn = {**THETA, "mrope_section": [2, 3, 3], **(rope or {})}
    ids = {"video_token_id": VIDEO, "vision_start_token_id": START, "vision_end_token_id": END}
    return lambda: {
        "vision_config": {**QWEN, **vision},
        "text_config": {**TEXT, "rope_parameters": dict(turn)},
        "image_token_id": IMAGE,
        **ids,
    }
