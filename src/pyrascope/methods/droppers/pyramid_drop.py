"""A pyramid over the depth of the language model: every stage keeps a share of what the last one kept."""

from dataclasses import dataclass
from typing import ClassVar

from ..._check import shorten, whole_number
from ...allocation.budgets.selection import top_k
from ...allocation.contracts.dropper import AHEAD, Kept, Stage, exact, scheduled, share
from ...allocation.contracts.site import LAYERS, Site


@dataclass(frozen=True)
class PyramidDrop:
    """Keeps floor(ratio^s N) tokens at stage s: those that the last token of the prompt attends to most.

    The attention is that of the layer that comes next (its norm, its projections, rotated, softmax over all tokens that
    are left, mean over heads); order and positions stay. For N = 576 in 32 layers: 576, 288, 144, 72, 270 on average.

    Attributes:
        ratio: In (0, 1]; with a budget it only says that stages fall geometrically.
        after: How many layers run before each stage, rising; None for the quarters of the depth (8, 16, 24 of 32).

    Source: Xing et al. 2024, "PyramidDrop: Accelerating Your Large Vision-Language Models via Pyramid Visual Redundancy
    Reduction". Differs from the publication in that a stage keeps at least one token, that positions are not numbered
    anew, and in any number of images.
    """

    site: ClassVar[Site] = LAYERS
    ratio: float = 0.5
    after: tuple[int, ...] | None = None
    looks: ClassVar[str] = AHEAD

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratio", share(self.ratio, "ratio"))
        if self.after is None:
            return
        object.__setattr__(self, "after", tuple(self.after))
        for layer in self.after:
            whole_number(layer, "a layer of after", 1)
        if list(self.after) != sorted(set(self.after)):
            raise ValueError(f"after must rise, got {shorten(self.after)}")

    def schedule(self, tokens: int, layers: int, budget: int | None = None) -> list[int]:
        """Returns the visual tokens in each layer; see `Dropper.schedule`.

        Example:
            >>> PyramidDrop().schedule(576, 32)[::8], PyramidDrop().schedule(576, 32, budget=192)[::8]
            ([576, 288, 144, 72], [576, 146, 37, 9])
        """
        after = self.after
        if after is None:
            after = tuple(sorted({-(-layers * quarter // 4) for quarter in (1, 2, 3)} & set(range(1, layers))))
        ratio = exact(self.ratio)
        return scheduled(tokens, layers, [(layer, ratio**s) for s, layer in enumerate(after, 1)], budget)

    def keep(self, stage: Stage, count: int) -> Kept:
        """Returns the `count` tokens of most attention, in their order."""
        return Kept(top_k(stage.attention(stage.last)[0], count).sort().values)
