"""Families whose tower returns tiles, and whose tiles of one image stand in one unbroken run (PerceptionLM)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..stock.placeholders import Run, by_items
from .family import Family


@dataclass(frozen=True)
class ByRun(Family):
    """One image is one run."""

    def images(
        self, runs: Sequence[Run], items: Sequence[int], input_ids: Tensor, processor: Any = None
    ) -> list[list[Run]]:
        """Groups by run; see `Family.images`."""
        by_items(runs, items)
        return [[run] for run in runs]
