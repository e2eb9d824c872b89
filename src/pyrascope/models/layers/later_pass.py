"""A pass that goes on from a cache in which the layers hold different numbers of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .columns import later_mask
from .prompt import Call, Prompt


@dataclass(eq=False)
class LaterPass:
    """A pass that goes on from the cache: layers that hold fewer tokens get masks of their own.

    Attributes:
        prompt: What the cache began with.
        cache: The cache.
        past: How many columns there were before.
        shown: Which of all columns, the new ones included, are not padding, bool (b, total).
        windows: How far each layer sees; None for everything.
        additive: True where the backend adds masks (eager).
    """

    prompt: Prompt
    cache: Any
    past: int
    shown: Tensor
    windows: Sequence[int | None]
    additive: bool

    def before(self, layer: int, hidden: Tensor, given: dict[str, Any]) -> Call | None:
        """Returns what the layer is called with instead; None for no change."""
        seen = self.prompt.columns[layer]
        if seen is None:
            return None
        new = hidden.shape[1]
        length = self.prompt.shown.shape[1]
        total = torch.arange(length, self.past + new, device=hidden.device)
        if len(hidden) != len(seen.at) or self.cache.get_seq_length(layer) + new != seen.at.shape[1] + len(total):
            raise ValueError(
                f"the cache must be as the prompt left it, {seen.at.shape[1]} tokens and more in layer {layer} of "
                f"{len(seen.at)} rows, got {self.cache.get_seq_length(layer)} of {len(hidden)}; start a new one"
            )
        keys = torch.cat([seen.at, total.expand(len(seen.at), -1)], 1)
        keys = keys[:, -self.cache.get_mask_sizes(new, layer)[0] :]
        window = self.windows[layer]
        mask: Tensor | None = None
        if new > 1 or window is not None or seen.padded or not bool(self.shown.all()):
            mask = later_mask(keys, total[len(total) - new :], self.shown, window)
            if self.additive:
                mask = torch.zeros_like(mask, dtype=hidden.dtype).masked_fill(~mask, torch.finfo(hidden.dtype).min)
        return hidden, {**given, "attention_mask": mask}

    def after(self, layer: int, output: Tensor) -> Tensor:
        """Returns the layer's output as it is."""
        return output
