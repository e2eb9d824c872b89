"""A budget for the whole view and for every tile, the tiles' by what the first layer looks at."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import shorten
from ...allocation.budgets.selection import tile_quotas, top_k, top_k_per_tile
from ...allocation.contracts.reducer import FeatureContext, Reduction, checked, needed
from ...allocation.contracts.site import FEATURES, Site
from ...allocation.contracts.tiles import Tiles, Views
from ...allocation.ties import ROUNDED
from ...tokens.merge import chosen


@dataclass(frozen=True)
class HiRED:
    """Splits the budget among the whole view and the tiles, and keeps in each the tokens of most attention.

    The whole view gets the share `whole`. The rest goes to the tiles by marks: of the whole view's cells the share
    1 - `whole` with the largest attention at the tower's first layer each mark the tile that shows them. What a full
    view cannot take goes to the others. Where there is but one view, its tokens of most attention are kept. Needs
    `attention`, and `tiles` as `Tiles` or `Views`; `first_attention` where it is known, else `attention` marks. Tokens
    in another order within a tile are kept in that order (where no two are equal).

    Attributes:
        whole: Share of the whole view, in [0, 1].

    Source: Arif et al. 2025, "HiRED: Attention-Guided Token Dropping for Efficient Inference of High-Resolution
    Vision-Language Models" (2408.10945). Differs from the publication in that the counts sum to the budget, where its
    floors lose tokens, and from the authors' code in that a mark counts for the tile that it lies in, where that code
    cuts the cells into horizontal bands.
    """

    site: ClassVar[Site] = FEATURES
    needs: ClassVar[frozenset[str]] = frozenset({"attention", "tiles"})
    uses: ClassVar[frozenset[str]] = frozenset({"first_attention"})

    whole: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.whole <= 1:
            raise ValueError(f"whole must be in [0, 1], got {shorten(self.whole)}")

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        attention = needed(known.attention, "attention", "HiRED")
        if known.tiles is None or (isinstance(known.tiles, Tensor) and bool(known.tiles.any())):
            got = shorten(known.tiles)
            raise ValueError(f"HiRED needs tiles as Tiles or Views, or one view numbered 0, got {got}")
        if isinstance(known.tiles, Tensor):
            return chosen(features, top_k(attention, budget, ROUNDED), known.grid)
        first = attention if known.first_attention is None else known.first_attention.double()
        numbers = known.tiles.numbers().to(features.device)
        quotas = self.quotas(first, budget, known.tiles)
        return chosen(features, top_k_per_tile(attention, numbers, budget, quotas.double(), ROUNDED), known.grid)

    def quotas(self, attention: Tensor, budget: int, tiles: Tiles | Views) -> Tensor:
        """Returns how many tokens each view keeps, int64 (1 + tiles,): the whole image first, then its tiles."""
        numbers, shown = tiles.numbers(), tiles.shown_by()
        sizes = torch.bincount(numbers, minlength=2 + int(shown.max()))
        cells, rest = int(sizes[0]), sizes[1:]
        shares = torch.tensor([self.whole, 1 - self.whole], dtype=torch.float64)
        whole = int(tile_quotas(shares, budget, torch.tensor([cells, len(numbers) - cells]))[0])
        marked = top_k(
            attention[(numbers == 0).to(attention.device)],
            int(tile_quotas(shares, cells, torch.tensor([cells, cells]))[1]),
            ROUNDED,
        )
        marks = torch.bincount(shown.to(marked.device)[marked], minlength=len(rest))
        found = tile_quotas(marks.double(), budget - whole, rest.to(marked.device))
        return torch.cat([torch.tensor([whole], device=marked.device), found])
