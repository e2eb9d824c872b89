"""Taking columns out of a padded batch of prompts, and saying where those that stay stand."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..options import ORIGINAL
from ..stock.protocols import Model


def columns_kept(keep: Tensor, *, left: bool) -> Tensor:
    """Returns the kept columns of each row (b, longest row), padded with -1 on the left or the right.

    >>> columns_kept(torch.tensor([[True, False, True], [False, False, True]]), left=True)
    tensor([[ 0,  2],
            [-1,  2]])
    """
    counts = keep.sum(1)
    longest = int(counts.max())
    order = (~keep).int().argsort(dim=1, stable=True)[:, :longest]
    place = torch.arange(longest, device=keep.device)
    if not left:
        return order.masked_fill(place >= counts[:, None], -1)
    shift = (place - (longest - counts)[:, None]).clamp(min=0)
    out: Tensor = order.gather(1, shift).masked_fill(place < (longest - counts)[:, None], -1)
    return out


def take_columns(values: Tensor, columns: Tensor, fill: int = 0) -> Tensor:
    """Returns `values` (..., b, s) at `columns` (b, n); `fill` where a column is -1."""
    taken = values.gather(-1, columns.clamp(min=0).expand(*values.shape[:-2], *columns.shape))
    return taken.masked_fill(columns < 0, fill)


def stock_positions(model: Model, inputs: Mapping[str, Any]) -> Tensor:
    """Returns where the model itself puts the tokens of the full prompt: (1, b, s), or (3, b, s) under M-RoPE."""
    given, base = inputs.get("position_ids"), model.base_model
    if given is not None:
        positions: Tensor = given[None] if given.ndim == 2 else given[-3:]
        return positions
    if not hasattr(base, "get_rope_index"):
        return plain_positions(inputs["attention_mask"])[None]
    known = dict(inputs)
    names = inspect.signature(base.get_rope_index).parameters
    if known.get("mm_token_type_ids") is None:
        known["mm_token_type_ids"] = (inputs["input_ids"] == model.config.image_token_id).int()
    found: Tensor = base.get_rope_index(**{name: known[name] for name in names if known.get(name) is not None})[0]
    return found


def plain_positions(mask: Tensor) -> Tensor:
    """0, 1, 2 ... over the tokens that `mask` (b, s) shows."""
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def closed_up(positions: Tensor, mask: Tensor) -> Tensor:
    """Returns `positions` (a, b, s) with the values that no token of a row uses any more taken out.

    Order is kept on every axis, and what was equal stays equal. So plain positions become 0, 1, 2 ..., and under
    M-RoPE the rows and columns of an image that hold no token vanish, while the others keep their arrangement.

    >>> closed_up(torch.tensor([[[0, 3, 3, 9]]]), torch.ones(1, 4))
    tensor([[[0, 1, 1, 2]]])
    """
    out = torch.zeros_like(positions)
    for row, shown in enumerate(mask.bool()):
        first = positions[:, row, shown].min()
        out[:, row, shown] = torch.unique(positions[:, row, shown], return_inverse=True)[1] + first
    return out


def position_ids(positions: Tensor, mask: Tensor, kind: str) -> Tensor:
    """Returns what the model takes as `position_ids`: (b, n), or (4, b, n) under M-RoPE.

    Args:
        positions: The stock positions of the tokens that stay, (1 or 3, b, n).
        mask: Which of them are not padding (b, n).
        kind: "original", or "compact" as `closed_up`.
    """
    placed = positions if kind == ORIGINAL else closed_up(positions, mask)
    if len(placed) == 1:
        return placed[0]
    return torch.cat([plain_positions(mask)[None], placed])  # the first row builds the mask, the others rotate


def shorter(model: Model, full: Mapping[str, Any], keep: Tensor, positions: str, used: Sequence[str]) -> dict[str, Any]:
    """Returns the inputs at the kept columns, without those that the tower has used.

    Padding is taken out and put back on the side where it was (left where there was none).

    Args:
        model: The model.
        full: The inputs, with an attention mask.
        keep: Which columns stay, bool (b, s).
        positions: "original" or "compact", as `position_ids`.
        used: Names to leave out.
    """
    ids, mask = full["input_ids"], full["attention_mask"]
    right = bool(mask[:, 0].all()) and not bool(mask[:, -1].all())
    columns = columns_kept(keep, left=not right)
    fills = {"input_ids": model.generation_config.pad_token_id or 0, "labels": -100}
    out = {
        name: take_columns(value, columns, fills.get(name, 0))
        if isinstance(value, Tensor) and value.shape == ids.shape
        else value
        for name, value in full.items()
        if name not in used
    }
    stock = take_columns(stock_positions(model, full), columns)
    out["position_ids"] = position_ids(stock, out["attention_mask"], positions)
    return out
