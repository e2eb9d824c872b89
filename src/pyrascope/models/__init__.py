"""Vision-language models of transformers that spend exactly B visual tokens on an image."""

from .attach import attach
from .prepare import prepare, reduce_inputs

__all__ = ["attach", "prepare", "reduce_inputs"]
