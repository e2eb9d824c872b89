"""The adapter of a family that has nothing particular: what the tower returns as one item is one image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..placeholders import Run, by_items


@dataclass(frozen=True)
class Family:
    """How a family lays its images out in a prompt."""

    def images(
        self, runs: Sequence[Run], items: Sequence[int], input_ids: Tensor, processor: Any = None
    ) -> list[list[Run]]:
        """Groups the placeholders by image.

        Args:
            runs: All runs of placeholders, in order.
            items: Number of feature rows of each item that the tower returned.
            input_ids: The prompts (b, s).
            processor: The model's processor, where the grouping needs its tokens.

        Returns:
            One list of runs an image.

        Raises:
            ValueError: placeholders and features do not match.
        """
        return by_items(runs, items)

    def leaving(self, group: Sequence[Run], kept: Sequence[bool]) -> list[int]:
        """Returns the columns of other tokens that leave the prompt with an image's placeholders.

        Args:
            group: The runs of one image.
            kept: Whether any placeholder of each run stays.
        """
        return []
