"""Where the images stand in a prompt: runs of one placeholder token."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Run(NamedTuple):
    """One unbroken run of placeholders: its row in the batch, and the columns from `start` up to `end`."""

    row: int
    start: int
    end: int

    @property
    def columns(self) -> range:
        """The columns of the run."""
        return range(self.start, self.end)


def placeholder_runs(input_ids: Tensor, token: int) -> list[Run]:
    """Returns the runs of `token` in `input_ids` (b, s), row by row: the order in which features fill them.

    >>> placeholder_runs(torch.tensor([[5, 9, 9, 6, 9]]), 9)
    [Run(row=0, start=1, end=3), Run(row=0, start=4, end=5)]
    """
    here = torch.nn.functional.pad(input_ids == token, (1, 1)).int()
    change = here.diff(dim=1)
    starts, ends = (change == 1).nonzero().tolist(), (change == -1).nonzero().tolist()
    return [Run(row, start, end) for (row, start), (_, end) in zip(starts, ends, strict=True)]


def columns_of(image: Sequence[Run]) -> list[int]:
    """The columns of an image's placeholders, in order."""
    return [column for run in image for column in run.columns]


def by_items(runs: Sequence[Run], items: Sequence[int]) -> list[list[Run]]:
    """Cuts runs so that each group holds the placeholders of one encoded item.

    Args:
        runs: The runs of the prompt.
        items: Number of feature rows of each item, in order; their sum is the number of placeholders.

    Returns:
        One list of runs an item: several where its rows are broken up by other tokens, part of one where images adjoin.

    Raises:
        ValueError: the numbers do not match, or an item begins in one prompt and ends in another.

    >>> by_items([Run(0, 1, 5), Run(0, 6, 8)], [2, 4])
    [[Run(row=0, start=1, end=3)], [Run(row=0, start=3, end=5), Run(row=0, start=6, end=8)]]
    """
    placeholders = sum(len(run.columns) for run in runs)
    if placeholders != sum(items):
        raise ValueError(
            f"the prompts must have as many image placeholders as the images have features, got {placeholders} "
            f"placeholders for {sum(items)} features of {len(items)} images; take both from one call of the processor"
        )
    left, groups = list(runs), []
    for rows in items:
        group: list[Run] = []
        while rows > 0:
            run = left.pop(0)
            taken = min(rows, len(run.columns))
            group.append(Run(run.row, run.start, run.start + taken))
            if taken < len(run.columns):
                left.insert(0, Run(run.row, run.start + taken, run.end))
            rows -= taken
        if len({run.row for run in group}) > 1:
            raise ValueError(
                f"the placeholders of an image must stand in one prompt, got one that begins in prompt {group[0].row} "
                f"and ends in prompt {group[-1].row}; give each prompt as many placeholders as its images have features"
            )
        groups.append(group)
    return groups
