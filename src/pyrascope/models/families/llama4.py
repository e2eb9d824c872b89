"""Llama 4."""

from .record import Family

LLAMA4 = Family(
    types=("llama4",),
    small={
        "llama4": {
            "vision_config": {
                "intermediate_size": 128, "projector_input_dim": 64, "projector_output_dim": 64,
                "vision_output_dim": 64,
            },
        },
    },
)  # fmt: skip
