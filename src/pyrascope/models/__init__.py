"""Vision-language models of transformers that spend exactly B visual tokens on an image."""

from .ask.answer import Answer, answer
from .ask.resized import coarse_entropies
from .ask.side_by_side import side_by_side
from .attach import attach
from .features.site import reduce_inputs
from .look.first import AttentionLook, Look
from .look.probe import probe
from .options import PixelOptions
from .pixels.site import plan_inputs
from .prepare import prepare
from .verify.report import Report, Row
from .verify.verify import verify, verify_type

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
