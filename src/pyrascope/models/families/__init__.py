"""What is particular to a family of models; most need nothing."""

from .family import Family
from .internvl import InternVL
from .rows import Rows
from .smolvlm import SmolVLM

FAMILIES: dict[str, Family] = {
    "idefics3": SmolVLM(),
    "internvl": InternVL(),
    "lighton_ocr": Rows(),
    "llava": Rows(),
    "mistral3": Rows(),
    "smolvlm": SmolVLM(),
}
"""Adapters by model type; `Family()` serves all others."""


def family_of(model_type: str) -> Family:
    """Returns the adapter of a model type."""
    return FAMILIES.get(model_type, Family())


__all__ = ["FAMILIES", "Family", "family_of"]
