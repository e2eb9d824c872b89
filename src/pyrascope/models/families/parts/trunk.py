"""Vision transformers with a table of positions: patches from anywhere, each with the position of its centre."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...stock.own_thread import before_here
from .tower import Cells


@dataclass(frozen=True, eq=False)
class Trunk:
    """The parts of a tower, whatever it calls them.

    Attributes:
        weight, bias: Of the embedding of patches, (d, c, p, p) and (d,) or None.
        table: Positions of a grid of patches, (rows, columns, d).
        first: A class token with its position, (1, d), or None.
        before: What comes between the embedding and the layers.
        layers: Each takes (b, n, d) and what is added to the attention logits, (b, 1, 1, n) or None; returns (b, n, d).
        after: What comes behind the last layer.
        bucketed: Whether a grid smaller than the table takes its entries as they are, as Idefics3 does, instead of
            interpolating.
    """

    weight: Tensor
    bias: Tensor | None
    table: Tensor
    first: Tensor | None
    before: Callable[[Tensor], Tensor]
    layers: Sequence[Callable[[Tensor, Tensor | None], Tensor]]
    after: Callable[[Tensor], Tensor]
    bucketed: bool = False

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return int(self.weight.shape[-1])


def trunk_of(tower: Any, *, bucketed: bool = False) -> Trunk:
    """Returns the parts of a CLIP, SigLIP, SmolVLM, Idefics3 or InternVL tower.

    Raises:
        NotImplementedError: another tower.
    """
    inner = getattr(tower, "embeddings", None)
    if isinstance(getattr(inner, "patch_embedding", None), nn.Conv2d):
        return _clip(tower, inner, bucketed)
    if getattr(inner, "position_embeddings", None) is not None and hasattr(inner, "cls_token"):
        return _internvl(tower, inner)
    raise NotImplementedError(
        f"packed patches need a tower with a table of positions (CLIP, SigLIP, Idefics3, InternVL), got "
        f"{type(tower).__name__}, which cannot take them; use plan.crops"
    )


def _clip(tower: Any, inner: Any, bucketed: bool) -> Trunk:
    table, first = inner.position_embedding.weight, None
    if hasattr(inner, "class_embedding"):
        table, first = table[1:], (inner.class_embedding + table[0])[None]
    side = round(len(table) ** 0.5)
    layers = list(tower.encoder.layers)
    before = getattr(tower, "pre_layrnorm", None) or nn.Identity()
    convolution = inner.patch_embedding
    table = table.reshape(side, side, -1)
    return Trunk(convolution.weight, convolution.bias, table, first, before, layers, tower.post_layernorm, bucketed)


def _internvl(tower: Any, inner: Any) -> Trunk:
    projection, table = inner.patch_embeddings.projection, inner.position_embeddings[0]
    first = inner.cls_token[0] + table[:1]
    grid = table[1:].reshape(*inner.patch_embeddings.patch_shape, -1)
    layers = [partial(_internvl_layer, layer) for layer in tower.encoder.layer]
    return Trunk(projection.weight, projection.bias, grid, first, inner.dropout, layers, tower.layernorm)


def _internvl_layer(layer: Any, hidden: Tensor, bias: Tensor | None) -> Tensor:
    """The layer, whose attention takes a bias though the layer itself passes none on."""

    def biased(run: Callable[[Tensor], Tensor], hidden: Tensor) -> Tensor:
        with before_here(layer.attention, lambda _, args, kwargs: (args, {**kwargs, "attention_mask": bias})):
            return run(hidden)

    if bias is None:
        out: Tensor = layer(hidden)
        return out
    if layer.training and getattr(layer, "gradient_checkpointing", False):  # what runs again has to bring it again
        plain = getattr(type(layer).forward, "__wrapped__", type(layer).forward)  # newer ones checkpoint in `forward`
        out = layer._gradient_checkpointing_func(partial(biased, partial(plain, layer)), hidden)
        return out
    return biased(layer, hidden)


def check_view(trunk: Trunk, pixels: Tensor) -> None:
    """Refuses views (..., h, w) with another number of whole patches than the table of positions has (ValueError).

    What fills no patch is left out by the tower itself, as of 384 px with patches of 14.
    """
    wanted, got = tuple(trunk.table.shape[:2]), tuple(side // trunk.patch for side in pixels.shape[-2:])
    if got != wanted:
        raise ValueError(
            f"pixel_values must be views of {wanted[0]} rows and {wanted[1]} columns of patches of {trunk.patch} px, "
            f"got {pixels.shape[-2]}x{pixels.shape[-1]} px; give the processor the vision_config's size"
        )


def encode_cells(
    trunk: Trunk, cells: Sequence[Cells], layers: Sequence[int] = (-1,), *, norm: bool = False
) -> list[Tensor]:
    """Runs the tower on the cells of several images, once for all that have as many.

    Args:
        trunk: The tower.
        cells: n cells of k x k patches for each image; their `bias` counts in all layers, that of a class token is 0.
        layers: Which hidden states, counted as transformers does: 0 before the first layer, -1 after the last.
        norm: Whether `after` is applied to them.

    Returns:
        For each image (n, k * k, d); several hidden states side by side along d.
    """
    wanted = [layer % (len(trunk.layers) + 1) for layer in layers]
    rows = [embedded(trunk, one) for one in cells]
    out: list[Tensor] = [trunk.table] * len(rows)
    for count in dict.fromkeys(map(len, rows)):
        mine = [number for number, one in enumerate(rows) if len(one) == count]
        hidden = torch.stack([rows[number] for number in mine])
        found = _states(trunk, hidden, wanted, key_bias(trunk, [cells[number] for number in mine], hidden))
        if norm:
            found = trunk.after(found)
        for number, states in zip(mine, found, strict=True):
            n = len(cells[number].patches)
            out[number] = states[-count:].reshape(n, count // n, -1)  # without the class token
    return out


def key_bias(trunk: Trunk, cells: Sequence[Cells], hidden: Tensor) -> Tensor | None:
    """Returns what is added to the attention logits of images whose patches are `hidden` (b, n, d).

    (b, 1, 1, n), one more in front for a class token, in the type and on the device of `hidden`; None for nothing.
    """
    if all(one.bias is None for one in cells):
        return None
    first = 0 if trunk.first is None else 1
    out = hidden.new_zeros(len(cells), 1, 1, first + hidden.shape[1])
    for row, one in zip(out, cells, strict=True):
        if one.bias is not None:
            row[..., first:] = one.bias.repeat_interleave(hidden.shape[1] // len(one.bias)).to(hidden)
    return out


def _states(trunk: Trunk, hidden: Tensor, wanted: Sequence[int], bias: Tensor | None) -> Tensor:
    if trunk.first is not None:
        hidden = torch.cat([trunk.first.to(hidden).expand(len(hidden), 1, -1), hidden], 1)
    states = [trunk.before(hidden)]
    for layer in trunk.layers[: max(wanted)]:
        states.append(layer(states[-1], bias))
    return torch.cat([states[number] for number in wanted], -1)


def embedded(trunk: Trunk, cells: Cells) -> Tensor:
    """Returns the patches of n cells as the layers take them, (n * k * k, d), those of a cell in reading order."""
    k = cells.patches.shape[-1] // trunk.patch
    flat = cells.cut(k).flatten(1).to(trunk.weight)
    grid = (cells.grid[0] * k, cells.grid[1] * k)
    find = bucket if trunk.bucketed and grid[0] <= len(trunk.table) and grid[1] <= trunk.table.shape[1] else sampled
    return functional.linear(flat, trunk.weight.flatten(1), trunk.bias) + find(trunk.table, centres(cells, k), grid)


def centres(cells: Cells, k: int) -> Tensor:
    """Returns the centres of the k x k patches of each cell, float64 (n * k * k, 2), (y, x) in native patches."""
    inside = (torch.arange(k, dtype=torch.float64) + 0.5) / k
    corner, extent = cells.boxes[:, None, :2], (cells.boxes[:, 2:] - cells.boxes[:, :2])[:, None]
    return ((corner + torch.cartesian_prod(inside, inside).reshape(-1, 2) * extent) * k).reshape(-1, 2)


def sampled(table: Tensor, places: Tensor, grid: tuple[int, int]) -> Tensor:
    """Returns the table (rows, columns, d) at `places` (n, 2), (y, x) in patches of a grid that it spans: (n, d).

    Bilinear between the entries, which stand at the centres of equal parts; beyond the outermost, the nearest. So a
    grid of as many patches as entries gets the table itself.

    >>> table = torch.tensor([[[1.0], [3.0]]])
    >>> sampled(table, torch.tensor([[0.5, 0.5], [0.5, 2.0], [0.5, 4.0]]), (1, 4)).flatten()
    tensor([1., 2., 3.])
    """
    share = places / torch.tensor(grid, dtype=places.dtype)
    where = (share.flip(-1) * 2 - 1)[None, None].to(table.device, torch.float32)
    plane = table.permute(2, 0, 1)[None].float()
    found = functional.grid_sample(plane, where, padding_mode="border", align_corners=False)
    return found[0, :, 0].T.to(table.dtype)


def bucket(table: Tensor, places: Tensor, grid: tuple[int, int]) -> Tensor:
    """As `sampled`, but each patch takes the entry that holds the corner of a native patch at its centre.

    >>> table = torch.arange(4.0).reshape(1, 4, 1)
    >>> bucket(table, torch.tensor([[0.5, 0.5], [0.5, 1.5]]), (1, 2)).flatten()
    tensor([0., 2.])
    """
    index = []
    for axis in (0, 1):
        side = table.shape[axis]
        edges = torch.arange(1 / side, 1.0, 1 / side)
        corner = (places[:, axis] - 0.5).clamp(min=0).float() * (1.0 / torch.tensor(grid[axis]))  # rounds as stock does
        index.append(torch.bucketize(corner.clamp(max=1 - 1e-6), edges, right=True))
    return table[index[0].to(table.device), index[1].to(table.device)]
