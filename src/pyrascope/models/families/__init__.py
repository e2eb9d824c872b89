"""What is particular to a family of models; most need nothing."""

from .anyres import AnyRes
from .by_run import ByRun
from .family import Family
from .hunyuan import HunYuan
from .internvl import InternVL
from .mistral3 import Mistral3
from .qwen import Qwen
from .smolvlm import SmolVLM
from .vit import ViT

FAMILIES: dict[str, Family] = {
    "gemma3": ViT(),
    "hunyuan_vl": HunYuan(),
    "idefics3": SmolVLM(),
    "internvl": InternVL(),
    "lighton_ocr": Mistral3(),
    "llava": ViT(),
    "llava_next": AnyRes(),
    "llava_onevision": AnyRes(),
    "mistral3": Mistral3(),
    "paligemma": ViT(),
    "perception_lm": ByRun(),
    "qwen2_5_vl": Qwen(),
    "qwen2_vl": Qwen(),
    "qwen3_vl": Qwen(),
    "smolvlm": SmolVLM(),
    "vipllava": ViT(),
}
"""Adapters by model type; `Family()` serves all others."""


def family_of(model_type: str) -> Family:
    """Returns the adapter of a model type."""
    return FAMILIES.get(model_type, Family())


__all__ = ["FAMILIES", "Family", "family_of"]
