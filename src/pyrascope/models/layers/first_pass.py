"""The pass that sees the whole prompt: tokens leave on its way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from ..._check import shorten
from ...allocation.contracts.attention import AttentionHeads
from ...allocation.contracts.dropper import AHEAD, BEHIND, Dropper, Stage
from ..stock.attention_tap import Listener, TappedAttention
from ..stock.decoder import projected
from .columns import Columns
from .groups import Group
from .prompt import Call, Prompt


@dataclass(eq=False)
class FirstPass:
    """The pass that sees the whole prompt: each layer is fed the columns that it sees, and its output put back.

    Between the layers the hidden states stay as long as the prompt, with those of tokens that have left as they were;
    so what a model adds between layers (DeepStack) and does after them finds all columns where it expects them.
    """

    prompt: Prompt
    dropper: Dropper
    layers: Sequence[Any]
    embedded: Tensor | None = None
    alive: Tensor | None = None
    full: Tensor | None = None
    heard: dict[int, TappedAttention] = field(default_factory=dict)

    def listeners(self) -> dict[Module, Listener]:
        """What must be heard while the layers run."""
        if self.dropper.looks != BEHIND:
            return {}

        def listen(layer: int) -> Listener:
            return lambda *heard: self.heard.__setitem__(layer, heard)

        return {self.layers[stage - 1].self_attn: listen(stage - 1) for stage in self.prompt.stages}

    def before(self, layer: int, hidden: Tensor, given: dict[str, Any]) -> Call | None:
        """Returns what the layer is called with instead; None for no change."""
        if layer == 0:
            self.embedded = hidden
        if layer in self.prompt.stages:
            hidden = self._drop(layer, hidden, given)
        seen = self.prompt.columns[layer]
        if seen is None:
            return None
        self.full = hidden
        return seen.take(hidden), _shorter(given, seen, hidden.shape[1])

    def after(self, layer: int, output: Tensor) -> Tensor:
        """Returns the layer's output at all columns."""
        seen, full, self.full = self.prompt.columns[layer], self.full, None
        return output if seen is None or full is None else seen.put(full, output)

    def _drop(self, layer: int, hidden: Tensor, given: dict[str, Any]) -> Tensor:
        """Lets tokens leave before `layer`; returns the hidden states, changed where tokens were merged."""
        prompt, seen = self.prompt, self.prompt.columns[layer - 1]
        heard = self._heard(layer, hidden, given, seen)
        self.alive = alive = prompt.shown.clone() if self.alive is None else self.alive.clone()
        for number, group in enumerate(prompt.groups):
            count = group.counts[layer]
            if count == group.counts[layer - 1]:
                continue
            at = torch.arange(hidden.shape[1], device=hidden.device) if seen is None else seen.at[group.row]
            here = (at >= 0) & (at < prompt.end) & prompt.shown[group.row, at.clamp(min=0)]
            local = here.nonzero().flatten()
            columns = at[local]
            stage = Stage(
                layer,
                visual=torch.isin(columns, group.columns).nonzero().flatten(),
                text=(~prompt.visual[group.row, columns]).nonzero().flatten(),
                hidden=hidden[group.row, columns],
                embedded=self.embedded[group.row, columns] if self.embedded is not None else hidden,
                heads=None if heard is None else _heads(heard, group.row, local),
            )
            kept = self.dropper.keep(stage, count)
            _check_kept(kept.kept, len(stage.visual), count, self.dropper)
            left = columns[stage.visual][kept.kept]
            alive[group.row, columns[stage.visual]] = False
            alive[group.row, left] = True
            prompt.groups[number] = Group(group.row, left, group.counts)
            if kept.hidden is not None:
                hidden = hidden.index_put((torch.full_like(left, group.row), left), kept.hidden)
        prompt.columns[layer:] = [Columns.of(alive)] * (len(prompt.columns) - layer)
        return hidden

    def _heard(self, layer: int, hidden: Tensor, given: dict[str, Any], seen: Columns | None) -> TappedAttention | None:
        """Queries, keys, mask and factor of the attention that the dropper looks at."""
        if self.dropper.looks == BEHIND:
            return self.heard.pop(layer - 1)
        if self.dropper.looks != AHEAD:
            return None
        if seen is not None:
            hidden, given = seen.take(hidden), _shorter(given, seen, hidden.shape[1])
        return projected(self.layers[layer], hidden, given)


def _shorter(given: dict[str, Any], seen: Columns, length: int) -> dict[str, Any]:
    """The keyword arguments of a layer that sees fewer columns."""
    out = dict(given)
    for name, value in given.items():
        if name == "position_embeddings":
            alone = isinstance(value, Tensor)
            parts = tuple(seen.take(part, part.ndim - 2) for part in ((value,) if alone else value))
            out[name] = parts[0] if alone else parts
        elif name == "attention_mask":
            out[name] = seen.mask(value)
        elif isinstance(value, Tensor) and value.ndim >= 2 and value.shape[1] == length:
            out[name] = seen.take(value)
    if "attention_mask" not in given:
        out["attention_mask"] = seen.mask(None)
    return out


def _heads(heard: TappedAttention, row: int, local: Tensor) -> AttentionHeads:
    query, key, mask, factor = heard
    square = None if mask is None else mask[row if len(mask) > 1 else 0, 0][local][:, local]
    return AttentionHeads(query[row][:, local].detach(), key[row][:, local].detach(), factor, square)


def _check_kept(kept: Tensor, n: int, count: int, dropper: Dropper) -> None:
    rising = kept.ndim == 1 and bool((kept.diff() > 0).all()) and bool(((kept >= 0) & (kept < n)).all())
    if not rising or len(kept) != count:
        raise ValueError(
            f"a dropper must keep {count} rising tokens of {n}, got {shorten(kept.tolist())} from {shorten(dropper)}; "
            "mend the dropper"
        )
