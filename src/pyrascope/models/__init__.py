"""Vision-language models of transformers that spend exactly B visual tokens on an image."""

from .answer import Answer, answer
from .attach import attach
from .features import reduce_inputs
from .look import AttentionLook, Look
from .pixels import PixelOptions, plan_inputs
from .prepare import prepare
from .probe import probe
from .report import Report, Row
from .resized import coarse_entropies
from .side_by_side import side_by_side
from .verify import verify, verify_type

__all__ = [
    "Answer",
    "AttentionLook",
    "Look",
    "PixelOptions",
    "Report",
    "Row",
    "answer",
    "attach",
    "coarse_entropies",
    "plan_inputs",
    "prepare",
    "probe",
    "reduce_inputs",
    "side_by_side",
    "verify",
    "verify_type",
]
