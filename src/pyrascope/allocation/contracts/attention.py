"""Rows of attention, computed from queries and keys: what a few tokens look at, without the full matrix."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class AttentionHeads:
    """Queries and keys of one prompt's tokens in one layer, as the attention takes them (normalised, rotated).

    Attributes:
        query: (heads, s, d).
        key: (kv heads, s, d); heads is a multiple of kv heads.
        factor: Of their products; mostly 1 / sqrt(d).
        mask: What each token sees (s, s): bool, or numbers that are added; None for causal.
    """

    query: Tensor
    key: Tensor
    factor: float
    mask: Tensor | None = None

    def attention(self, rows: Tensor) -> Tensor:
        """Returns what the tokens `rows` (r,) attend to, mean over heads, float32 (r, s); each row sums to 1.

        Example:
            >>> same = torch.ones(1, 3, 2)
            >>> AttentionHeads(same, same, 1.0).attention(torch.tensor([1]))
            tensor([[0.5000, 0.5000, 0.0000]])
        """
        kv, s, d = self.key.shape
        query = self.query[:, rows].reshape(kv, -1, len(rows), d)
        logits = (query @ self.key[:, None].transpose(-1, -2) * self.factor).float()
        seen = torch.arange(s, device=rows.device) <= rows[:, None] if self.mask is None else self.mask[rows]
        logits = logits.masked_fill(~seen, -torch.inf) if seen.dtype == torch.bool else logits + seen
        return logits.softmax(-1).mean((0, 1))
