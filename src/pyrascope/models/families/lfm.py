"""LFM3-VL."""

from .record import Family

LFM = Family(
    types=("lfm3_vl",), small={"lfm3_vl": {"text_config": {"layer_types": ["conv", "full_attention", "conv"]}}}
)
