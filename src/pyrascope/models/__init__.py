"""Vision-language models of transformers that spend exactly B visual tokens on an image."""

from .attach import attach
from .features import reduce_inputs
from .prepare import prepare
from .probe import probe
from .report import Report, Row
from .verify import verify, verify_type

__all__ = ["Report", "Row", "attach", "prepare", "probe", "reduce_inputs", "verify", "verify_type"]
