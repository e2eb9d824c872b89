"""Inkling."""

from .record import Family

INKLING = Family(types=("inkling_mm_model",), style="folded")
