"""Any schedule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ...allocation.budgets.selection import top_k
from ...allocation.contracts.dropper import AHEAD, Kept, Stage, scheduled, shares_of
from ...allocation.contracts.site import LAYERS, Site


@dataclass(frozen=True)
class Scheduled:
    """Keeps what `stages` says, by the attention of the prompt's last token in the layer that comes next.

    Attributes:
        stages: {layers run: share of all tokens in (0, 1] (a float), or their number (an int)}; held as pairs. A number
            above what is there keeps all.
    """

    site: ClassVar[Site] = LAYERS
    stages: Mapping[int, int | float] | tuple[tuple[int, int | float], ...] = ((2, 0.5),)
    looks: ClassVar[str] = AHEAD

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", shares_of(self.stages, "stages"))

    def schedule(self, tokens: int, layers: int, budget: int | None = None) -> list[int]:
        """Returns the visual tokens in each layer; see `Dropper.schedule`.

        Example:
            >>> Scheduled({1: 0.5, 3: 10}).schedule(100, 4)
            [100, 50, 50, 10]
        """
        return scheduled(tokens, layers, shares_of(self.stages, "stages"), budget)

    def keep(self, stage: Stage, count: int) -> Kept:
        """Returns the `count` tokens of most attention, in their order."""
        return Kept(top_k(stage.attention(stage.last)[0], count).sort().values)
