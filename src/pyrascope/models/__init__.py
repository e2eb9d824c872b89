"""Vision-language models of transformers that spend exactly B visual tokens on an image."""

from .attach import attach
from .features import reduce_inputs
from .pixels import PixelOptions, plan_inputs
from .prepare import prepare
from .probe import probe
from .report import Report, Row
from .verify import verify, verify_type

__all__ = [
    "PixelOptions",
    "Report",
    "Row",
    "attach",
    "plan_inputs",
    "prepare",
    "probe",
    "reduce_inputs",
    "verify",
    "verify_type",
]
