"""FastVLM: a tower of convolutions by timm."""

from .parts.small import FASTVIT, Recipe, config_of, text
from .record import OF_CONVOLUTIONS, Family

FAST_VLM = Family(
    types=("fast_vlm",),
    tower=OF_CONVOLUTIONS,
    needs="timm",
    small={"fast_vlm": Recipe("FastVlm", config_of({**FASTVIT, "model_type": "timm_wrapper"}, text("qwen2")))},
)
