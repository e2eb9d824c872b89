"""A batch of prompts whose visual tokens leave between layers."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .columns import Columns
from .groups import Group

Call = tuple[Tensor, dict[str, Any]]
"""What a decoder layer is called with: hidden states (b, s, d) and its keyword arguments."""


@dataclass(eq=False)
class Prompt:
    """Prompts of one batch.

    Attributes:
        groups: Visual tokens that are dropped together; their columns become fewer as layers run.
        visual: Which columns are placeholders, bool (b, s).
        shown: Which are not padding, bool (b, s).
        end: Where the prompts end; later columns, if any, are generated tokens and score nothing.
        columns: What each layer sees; None for all.
    """

    groups: list[Group]
    visual: Tensor
    shown: Tensor
    end: int
    columns: list[Columns | None]

    @property
    def stages(self) -> list[int]:
        """The layers before which tokens leave."""
        falls = {i for g in self.groups for i in range(1, len(g.counts)) if g.counts[i] < g.counts[i - 1]}
        return sorted(falls)
