"""Who takes part in a comparison: methods by name, and the rows that are always there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...builtin.look import TrainedLook, looking, two_looks
from ...models.by_name import READERS, any_method_from
from ...models.sites import FEATURES, LAYERS

FULL_ROW, BLIND, ORACLE, RESIZE_ROW, RANDOM, LOOK_ROW = "full", "blind", "oracle", "resize", "random", "coarse-to-fine"
UNPLANNED = (FULL_ROW, BLIND)
"""Rows without a budget: all tokens, and none."""
ALL = "all"


@dataclass(frozen=True)
class Contender:
    """A row of the comparison.

    Attributes:
        name: As it is printed.
        method: Of any site; None for the rows of `UNPLANNED`.
        told: Whether it is told where the evidence lies; then only examples that say so are asked.
    """

    name: str
    method: Any = None
    told: bool = False

    def method_from(self, number: int) -> Any:
        """Returns the method for the examples from `number` on: where it throws dice whose seed was not given, anew."""
        if "seed" in getattr(self.method, "__dataclass_fields__", {}) and "(" not in self.name:
            return replace(self.method, seed=number)
        return self.method


def everywhere(view: Tensor) -> Tensor:
    """Finds everything in a view equally warm: what is left to weight the second look is what the scene is told."""
    return torch.ones(1, 1)


def contenders(names: Sequence[str], look: TrainedLook | None = None) -> list[Contender]:
    """Returns the rows: full and blind, resize, random and oracle, and those named, each once.

    Args:
        names: Of methods, as `any_method_from`; "coarse-to-fine" alone is `two_looks()`; "all": every method there is.
        look: The model's own, for `CoarseToFine`; None for its attention.

    Raises:
        ValueError: no such method.
    """
    wanted = [name for given in names for name in (every_name() if given == ALL else [given])]
    found = [Contender(FULL_ROW), Contender(BLIND), Contender(ORACLE, two_looks(everywhere), told=True)]
    for name in dict.fromkeys([RESIZE_ROW, RANDOM, *wanted]):
        if name not in (FULL_ROW, BLIND, ORACLE):
            method = two_looks() if name == LOOK_ROW else any_method_from(name)
            found.append(Contender(name, looking(method, look)))
    return found


def every_name() -> list[str]:
    """Returns the names of all methods; of a name that two sites have, the later ones with their site."""
    found: dict[str, None] = {}
    for site, (table, _) in READERS.items():
        for name in table:
            found[f"{site}:{name}" if name in found or (site == LAYERS and f"{FEATURES}:{name}" in found) else name] = (
                None
            )
    return list(found)


def named(text: str) -> list[str]:
    """Splits names at commas that are not inside the options of a method.

    >>> named("resize, CoarseToFine(method=Zoom(), share=50)")
    ['resize', 'CoarseToFine(method=Zoom(), share=50)']
    """
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]
