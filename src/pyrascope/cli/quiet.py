"""Keeping the progress bars and remarks of other libraries out of a command's output."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ..models.stock.support import transformers

NOISY = ("huggingface_hub", "transformers")


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block, transformers and its hub client say nothing but errors; afterwards they are as before."""
    progress = transformers().utils.logging
    loggers = [logging.getLogger(name) for name in NOISY]
    before, bars = [logger.level for logger in loggers], progress.is_progress_bar_enabled()
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        progress.disable_progress_bar()
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
        if bars:
            progress.enable_progress_bar()
