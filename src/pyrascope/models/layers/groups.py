"""The visual tokens of a batch of prompts: those of one image, or of all images of a prompt, share a schedule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..._check import one_of, shorten
from ...allocation.contracts.dropper import Dropper
from ..budgets import SHARES, tokens_asked
from ..host import Host
from ..prompts.images import image_runs
from ..stock.placeholders import columns_of


@dataclass(frozen=True, eq=False)
class Group:
    """Visual tokens that are dropped together: their prompt, their columns (n,), and how many stay in each layer."""

    row: int
    columns: Tensor
    counts: Sequence[int]


def groups_of(host: Host, ids: Tensor, encoded: Mapping[str, Any], share: str) -> list[Group]:
    """Returns the groups of the prompts `ids` (b, s), without counts, in order.

    Args:
        host: The model and its processor.
        ids: The prompts.
        encoded: The tower's output for them, as `mm_encoder_outputs`.
        share: "image": one group an image; "prompt": one a prompt.

    Raises:
        ValueError: as `image_runs`.
    """
    one_of(share, "share", SHARES)
    found = [(image[0].row, columns_of(image)) for image in image_runs(host.model, ids, encoded, host.processor)]
    if share == "prompt":
        rows = dict.fromkeys(row for row, _ in found)
        found = [(row, [column for other, columns in found if other == row for column in columns]) for row in rows]
    return [Group(row, torch.tensor(columns, device=ids.device), ()) for row, columns in found]


def with_schedules(
    groups: Sequence[Group], dropper: Dropper, budget: Any, layers: int, at_most: bool = False
) -> list[Group]:
    """Returns the groups with the dropper's schedule for each.

    Args:
        groups: In order.
        dropper: The method.
        budget: Mean number over the layers for each group, None for the method's own, or a list, one for each group
            (of each prompt once, where generation runs several copies of it). A float is a ratio of the group's tokens.
        layers: Of the language model.
        at_most: Whether a group that has fewer keeps what it has.

    Raises:
        ValueError: another number of budgets than groups, budgets out of reach, or a schedule that rises.
    """
    out = []
    for group, own in zip(groups, _each(budget, groups), strict=True):
        asked = tokens_asked(own, len(group.columns), at_most)
        counts = list(dropper.schedule(len(group.columns), layers, asked))
        falling = len(counts) == layers and counts == sorted(counts, reverse=True) and counts[-1] > 0
        if not falling or counts[0] != len(group.columns):
            raise ValueError(
                f"a schedule must begin with all {len(group.columns)} tokens and never rise over {layers} layers, "
                f"got {shorten(counts)} from {shorten(dropper)}; this is a bug in the dropper"
            )
        out.append(Group(group.row, group.columns, counts))
    return out


def _each(budget: Any, groups: Sequence[Group]) -> list[Any]:
    if not isinstance(budget, list | tuple):
        return [budget] * len(groups)
    copies = len(groups) // max(len(budget), 1)
    if copies * len(budget) != len(groups):
        raise ValueError(
            f"a list of budgets must have one for each of the {len(groups)} images, got {len(budget)}; give one number"
        )
    rows = {row: [i for i, group in enumerate(groups) if group.row == row] for row in {g.row for g in groups}}
    out: list[Any] = [None] * len(groups)
    start = 0
    for number, row in enumerate(sorted(rows)):  # the copies of a prompt follow one another
        for place, i in enumerate(rows[row]):
            out[i] = budget[start + place]
        if number % copies == copies - 1:
            start += len(rows[row])
    return out
