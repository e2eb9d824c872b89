"""One drop, early: after layer K the image is worth a fraction of its tokens."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..._check import one_of, whole_number
from ...allocation.budgets.selection import top_k
from ...allocation.contracts.dropper import BEHIND, Kept, Stage, scheduled, share
from ...allocation.contracts.site import LAYERS, Site

ROWS = ("last", "all")


@dataclass(frozen=True)
class FastV:
    """Keeps the share `ratio` = 1 - R of the tokens after K layers: those of most attention in layer K.

    Attributes:
        after: K, >= 1.
        ratio: In (0, 1]; a budget decides it anew.
        rows: Whose attention counts: "last", that of the prompt's last token (the published code), or "all", the mean
            over all tokens (the paper).

    Source: Chen et al. 2024, "An Image is Worth 1/2 Tokens After Layer 2: Plug-and-Play Inference Acceleration for
    Large Vision-Language Models". Differs from the publication in any number of images, and in that at least one token
    stays.
    """

    site: ClassVar[Site] = LAYERS
    after: int = 2
    ratio: float = 0.5
    rows: str = "last"
    looks: ClassVar[str] = BEHIND

    def __post_init__(self) -> None:
        whole_number(self.after, "after", 1)
        object.__setattr__(self, "ratio", share(self.ratio, "ratio"))
        one_of(self.rows, "rows", ROWS)

    def schedule(self, tokens: int, layers: int, budget: int | None = None) -> list[int]:
        """Returns the visual tokens in each layer; see `Dropper.schedule`.

        Example:
            >>> FastV(ratio=0.25).schedule(576, 32)[:4], sum(FastV(ratio=0.25).schedule(576, 32)) / 32
            ([576, 576, 144, 144], 171.0)
        """
        return scheduled(tokens, layers, [(self.after, self.ratio)], budget)

    def keep(self, stage: Stage, count: int) -> Kept:
        """Returns the `count` tokens of most attention, in their order."""
        rows = stage.last if self.rows == "last" else torch.arange(len(stage.hidden), device=stage.last.device)
        return Kept(top_k(stage.attention(rows).mean(0), count).sort().values)
