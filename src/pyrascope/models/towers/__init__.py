"""Vision towers at the pixels site: how each takes patches from anywhere in an image."""

from typing import Any

from .anyres import AnyRes
from .gemma import Gemma3, PaliGemma
from .internvl import InternVL
from .llava import Llava
from .paddle import PaddleOCR
from .pixtral import Mistral3, Pixtral
from .qwen import Qwen
from .smolvlm import SmolVLM
from .tower import Cells, Tower, area_bias, visible_centres

LIKE_QWEN = (
    "cohere_compass",
    "glm46v",
    "glm4v",
    "glm4v_moe",
    "glm_ocr",
    "qwen2_5_omni_thinker",
    "qwen2_5_vl",
    "qwen2_vl",
    "qwen3_5",
    "qwen3_5_moe",
    "qwen3_omni_moe_thinker",
    "qwen3_vl",
    "qwen3_vl_moe",
)
"""Model types whose tower takes the geometry of its patches as arguments."""
TOWERS: dict[str, Tower] = {
    "gemma3": Gemma3(),
    "idefics3": SmolVLM(),
    "internvl": InternVL(),
    "lighton_ocr": Mistral3(),
    "llava": Llava(),
    "llava_next": AnyRes(),
    "llava_onevision": AnyRes(),
    "mistral3": Mistral3(),
    "paddleocr_vl": PaddleOCR(),
    "paligemma": PaliGemma(),
    "smolvlm": SmolVLM(),
    **dict.fromkeys(LIKE_QWEN, Qwen()),
}
"""Adapters by model type."""
REFUSED = {
    "exaone4_5": "its generate discards position_ids, so tokens would not stand where a plan puts them; use plan.crops",
    "fast_vlm": "its tower is made of convolutions, which cannot take packed patches; use plan.crops",
    "gemma3n": "its tower is made of convolutions, which cannot take packed patches; use plan.crops",
}
"""Model types that cannot be served at this site, and why."""
BIASED = (InternVL, Llava, SmolVLM)
"""Adapters of towers whose attention takes a bias: those of `trunk`."""
BACKENDS = ("sdpa", "eager")
"""Attention that adds it."""
HALF = 0.5
"""Share of log(area) that is added where nothing else is asked for, as measured on a frozen encoder."""


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
    if kind == "llava" and hasattr(model.base_model.vision_tower, "patch_conv"):
        return Pixtral()
    return TOWERS[kind]


def sized_of(model: Any, sized: float | None) -> float:
    """Returns the share of log(area) for a model: what is asked for, or with None half where its tower takes it.

    A model that was trained on plans says in its configuration, as `sized`, what None means for it.

    Raises:
        NotImplementedError: a share above 0 is asked for and the tower's attention takes no bias.
    """
    tower = tower_of(model)
    parts = model.base_model
    config = getattr(getattr(parts, "vision_tower", None) or getattr(parts, "vision_model", None), "config", None)
    backend = getattr(config, "_attn_implementation", None) or "eager"
    takes = isinstance(tower, BIASED) and backend.startswith(BACKENDS)
    if sized and not takes:
        raise NotImplementedError(
            f"sized must be 0 or None where the tower's attention takes no bias, got {sized} for "
            f"{model.config.model_type} with {backend} attention; towers like CLIP, SigLIP and InternVL take it, "
            "with sdpa or eager"
        )
    own = getattr(model.config, "sized", HALF) if takes else 0.0
    return float(own if sized is None else sized)


__all__ = ["REFUSED", "TOWERS", "Cells", "Tower", "area_bias", "sized_of", "tower_of", "visible_centres"]
