"""HunYuan-VL."""

from .parts.small import SECTIONS
from .record import Family

HUNYUAN = Family(
    types=("hunyuan_vl",),
    refused="compute the same for a prompt alone and in a batch",  # it numbers the images of a batch through
    small={"hunyuan_vl": {"text_config": {"head_dim": 16, **SECTIONS["text_config"]}}},
)
