"""Vision towers at the pixels site: how each takes patches from anywhere in an image."""

from typing import Any

from .anyres import AnyRes
from .gemma import Gemma3, PaliGemma
from .internvl import InternVL
from .llava import Llava
from .smolvlm import SmolVLM
from .tower import Cells, Tower, visible_centres

TOWERS: dict[str, Tower] = {
    "gemma3": Gemma3(),
    "idefics3": SmolVLM(),
    "internvl": InternVL(),
    "llava": Llava(),
    "llava_next": AnyRes(),
    "llava_onevision": AnyRes(),
    "paligemma": PaliGemma(),
    "smolvlm": SmolVLM(),
}
"""Adapters by model type."""
REFUSED = {"fast_vlm": "its tower is made of convolutions, which cannot take packed patches; use plan.crops"}
"""Model types that cannot be served at this site, and why."""


def tower_of(model: Any) -> Tower:
    """Returns the adapter of a model.

    Raises:
        NotImplementedError: no adapter is known for its type, or the tower cannot take packed patches.
    """
    kind = str(model.config.model_type)
    if kind in REFUSED:
        raise NotImplementedError(f"{kind} at the pixels site: {REFUSED[kind]}")
    if kind not in TOWERS:
        raise NotImplementedError(
            f"plans before the tower are known for {', '.join(sorted(TOWERS))}, got {kind}; use a reducer or plan.crops"
        )
    return TOWERS[kind]


__all__ = ["REFUSED", "TOWERS", "Cells", "Tower", "tower_of", "visible_centres"]
