"""Kimi K2.5."""

from .record import Family

KIMI = Family(types=("kimi_k25",), square_patches=True, small={"kimi_k25": {"text_config": {"head_dim": 8}}})
