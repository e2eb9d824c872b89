"""PerceptionLM: a tower of timm, whose tiles of one image stand in one unbroken run."""

from .parts.arrangement import ByRun
from .record import Family

PERCEPTION_LM = Family(
    types=("perception_lm",),
    arrangement=ByRun(),
    needs="timm",
    style="stacked",
    small={
        "perception_lm": {
            "vision_config": {
                "architecture": "vit_pe_lang_large_patch14_448",
                "model_args": {
                    "img_size": [64, 64], "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2,
                    "global_pool": "", "ref_feat_shape": [8, 8],
                },
            },
        },
    },
)  # fmt: skip
