"""Nemotron-H Omni."""

from .parts.tokens import IMAGE
from .record import Family

NEMOTRON = Family(types=("nemotron_h_omni",), small={"nemotron_h_omni": {"image_token_id": IMAGE}})
