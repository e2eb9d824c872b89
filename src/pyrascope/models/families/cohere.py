"""Cohere's Compass: a tower like Qwen's."""

from .parts.small import THETA
from .qwen import QwenTower
from .record import Family

COMPASS = Family(
    types=("cohere_compass",),
    tower=QwenTower(),
    small={
        "cohere_compass": {
            "text_config": {"rope_parameters": {"full_attention": {**THETA, "mrope_section": [2, 3, 3]}}},
        },
    },
)
