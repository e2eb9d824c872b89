"""ERNIE 4.5 VL."""

from .parts.small import THETA
from .record import Family

ERNIE = Family(
    types=("ernie4_5_vl_moe",),
    small={
        "ernie4_5_vl_moe": {"text_config": {"moe_k": 2, "rope_parameters": {**THETA, "mrope_section": [3, 3, 2]}}},
    },
)
