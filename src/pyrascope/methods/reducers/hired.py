"""A budget for the whole view and for every tile, the tiles' by what the first layer looks at."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..._check import shorten
from ...allocation.reducer import FeatureContext, Reduction, Tiles, checked, needed
from ...allocation.selection import tile_quotas, top_k, top_k_per_tile
from ...tokens.merge import chosen


@dataclass(frozen=True)
class HiRED:
    """Splits the budget among the whole view and the tiles, and keeps in each the tokens of most attention.

    The whole view gets the share `whole`. The rest goes to the tiles by marks: of the whole view's cells the share
    1 - `whole` with the largest attention at the tower's first layer each mark the tile that shows them. What a full
    view cannot take goes to the others. Needs `attention` and `tiles` as `Tiles`; `first_attention` where it is known,
    else `attention` marks. Tokens in another order within a tile are kept in that order (where no two are equal).

    Attributes:
        whole: Share of the whole view, in [0, 1].

    Source: Arif et al. 2025, "HiRED: Attention-Guided Token Dropping for Efficient Inference of High-Resolution
    Vision-Language Models" (2408.10945). Differs from the publication in that the counts sum to the budget, where its
    floors lose tokens, and from the authors' code in that a mark counts for the tile that it lies in, where that code
    cuts the cells into horizontal bands.
    """

    whole: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.whole <= 1:
            raise ValueError(f"whole must be in [0, 1], got {shorten(self.whole)}")

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens."""
        known = checked(features, budget, context)
        attention = needed(known.attention, "attention", "HiRED")
        if not isinstance(known.tiles, Tiles):
            raise ValueError(f"HiRED needs tiles as Tiles(rows, columns, view), got {shorten(known.tiles)}")
        first = attention if known.first_attention is None else known.first_attention.double()
        quotas = self.quotas(first, budget, known.tiles)
        numbers = known.tiles.numbers().to(features.device)
        return chosen(features, top_k_per_tile(attention, numbers, budget, quotas.double()), known.grid)

    def quotas(self, attention: Tensor, budget: int, tiles: Tiles) -> Tensor:
        """Returns how many tokens each view keeps, int64 (1 + tiles,): the whole image first, then its tiles."""
        cells, count = tiles.view[0] * tiles.view[1], tiles.rows * tiles.columns
        shares = torch.tensor([self.whole, 1 - self.whole], dtype=torch.float64)
        whole = int(tile_quotas(shares, budget, torch.tensor([cells, count * cells]))[0])
        marked = top_k(attention[:cells], int(tile_quotas(shares, cells, torch.tensor([cells, cells]))[1]))
        marks = torch.bincount(tiles.shown_by().to(marked.device)[marked], minlength=count)
        rest = tile_quotas(marks.double(), budget - whole, torch.full((count,), cells))
        return torch.cat([torch.tensor([whole]), rest.cpu()]).to(attention.device)
