"""Pixtral, Mistral3, LightOnOCR: a token of its own ends each row of an image."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ..placeholders import Run
from .family import Family


@dataclass(frozen=True)
class Rows(Family):
    """One run is one row; an image without such tokens is one run."""

    def leaving(self, group: Sequence[Run], kept: Sequence[bool]) -> list[int]:
        """Returns the ends of rows that no longer divide two rows of tokens; see `Family.leaving`.

        >>> Rows().leaving([Run(0, 2, 5), Run(0, 6, 9), Run(0, 10, 13)], [True, False, True])
        [9]
        """
        last = max((number for number, stays in enumerate(kept) if stays), default=0)
        ends = enumerate(itertools.pairwise(group))
        return [
            column
            for number, (row, below) in ends
            if not kept[number] or number == last
            for column in range(row.end, below.start)
        ]
