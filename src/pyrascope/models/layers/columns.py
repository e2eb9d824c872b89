"""Which columns of a padded batch a layer sees: taking them out, putting results back, and the masks between them."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..prompts.shrink import columns_kept


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns that stay, (b, n), rising in each row; -1 where a row is padded."""

    at: Tensor

    @classmethod
    def of(cls, keep: Tensor) -> "Columns":
        """Returns the columns where `keep` (b, s) is true, padded on the left."""
        return cls(columns_kept(keep, left=True))

    @cached_property
    def shown(self) -> Tensor:
        """Which of them are not padding, bool (b, n)."""
        return self.at >= 0

    @cached_property
    def padded(self) -> bool:
        """True if a row is padded."""
        return not bool(self.shown.all())

    def take(self, values: Tensor, axis: int = 1) -> Tensor:
        """Returns `values` at the columns: those along `axis`; the axis before is the batch, or 1 for all alike."""
        moved = values.movedim((axis - 1, axis), (0, 1))
        moved = moved.expand(len(self.at), *moved.shape[1:])
        index = self.at.clamp(min=0).reshape(*self.at.shape, *[1] * (moved.ndim - 2)).to(values.device)
        return moved.gather(1, index.expand(-1, -1, *moved.shape[2:])).movedim((0, 1), (axis - 1, axis))

    def put(self, full: Tensor, values: Tensor) -> Tensor:
        """Returns `full` (b, s, d) with `values` (b, n, d) at the columns."""
        row = torch.arange(len(self.at), device=self.at.device)[:, None] * full.shape[1]
        place, shown = (row + self.at)[self.shown], self.shown.to(values.device)
        out = full.flatten(0, 1).index_copy(0, place.to(full.device), values[shown].to(full))
        return out.view_as(full)

    def mask(self, stock: Tensor | None) -> Tensor | None:
        """Returns the mask of a prompt's first pass, (b, 1, n, n), from that of all columns; None stays causal.

        What is padding sees itself only, so that no row of the attention is empty.
        """
        if stock is None and not self.padded:
            return None
        n = self.at.shape[1]
        own = torch.eye(n, dtype=torch.bool, device=self.at.device)
        both = self.shown[:, None, None, :]
        if stock is None:
            return (torch.ones_like(own).tril() & both) | own
        found = self.take(self.take(stock[:, 0]).mT).mT[:, None]
        if not self.padded:
            return found
        if found.dtype == torch.bool:
            return (found & both) | own
        return found.masked_fill(~both, torch.finfo(found.dtype).min).masked_fill(own, 0)


def later_mask(keys: Tensor, queries: Tensor, shown: Tensor, window: int | None) -> Tensor:
    """Returns what the tokens of a later pass see, bool (b, 1, q, k): what is not behind them, nor out of the window.

    Args:
        keys: Columns of the cached tokens and the new ones (b, k); -1 for padding.
        queries: Columns of the new tokens (q,).
        shown: Which columns of the whole sequence are not padding, bool (b, total).
        window: How far a token sees, itself included; None for everything.
    """
    seen = (keys >= 0) & shown.gather(1, keys.clamp(min=0))
    seen = seen[:, None, :] & (keys[:, None, :] <= queries[:, None])
    if window is not None:
        seen = seen & (queries[:, None] - keys[:, None, :] < window)
    return seen[:, None]
