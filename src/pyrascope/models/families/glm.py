"""GLM-4V and its successors: a tower like Qwen's."""

from .parts.small import SECTIONS, THETA
from .qwen import QwenTower
from .record import Family

HALF = {"text_config": {"rope_parameters": {**THETA, "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 2]}}}
GLM4V = Family(
    types=("glm46v", "glm4v", "glm4v_moe", "glm_ocr"),
    tower=QwenTower(),
    small={"glm46v": SECTIONS, "glm4v": SECTIONS, "glm4v_moe": HALF, "glm_ocr": SECTIONS},
)
GLM5 = Family(
    types=("glm5_next", "glmga"),
    small={
        "glm5_next": {"text_config": {"layer_types": ["linear_attention", "indexed_attention", "linear_attention"]}},
        "glmga": SECTIONS,
    },
)
