"""Attention across the levels of a pyramid: fine tokens look at coarse ones, never the other way round."""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ..._check import shorten, whole_number


def cross_scale_mask(levels: Tensor, own: bool = False) -> Tensor:
    """Returns which token may attend to which: the dense form of what `cross_scale_attention` computes.

    Args:
        levels: Level of each token, whole numbers (..., n); 0 is the finest.
        own: Whether tokens attend to their own level too. The coarsest level that is there always does.

    Returns:
        Boolean (..., n, n); True where the token of the row attends to the token of the column. No row is empty.

    Example:
        >>> cross_scale_mask(torch.tensor([0, 1, 2])).int()
        tensor([[0, 1, 1],
                [0, 0, 1],
                [0, 0, 1]], dtype=torch.int32)
    """
    query, key = levels[..., :, None], levels[..., None, :]
    coarsest = levels.amax(-1)[..., None, None] if levels.shape[-1] else query
    return (key > query) | ((key == query) & ((query == coarsest) | own))


def cross_scale_attention(query: Tensor, key: Tensor, value: Tensor, levels: Tensor, own: bool = False) -> Tensor:
    """Returns scaled dot-product attention where a token attends to coarser levels only.

    The coarsest level attends to itself, the next one to it, and so on: of three levels the medium one attends to the
    coarse one and the fine one to both. Equal to attention under `cross_scale_mask` up to rounding, but blocks that the
    mask forbids are not computed: tokens are sorted by level, so that each level attends to one stretch of the tokens.

    Args:
        query: Floating (b, heads, n, d).
        key: (b, heads, n, d).
        value: (b, heads, n, e).
        levels: Level of each token, whole numbers, (n,) for all images or (b, n); 0 is the finest, any number of
            levels, gaps allowed. Images whose counts per level agree are computed together.
        own: Whether tokens attend to their own level too. The coarsest level that is there always does.

    Returns:
        (b, heads, n, e), in the order of the input, differentiable.

    Raises:
        ValueError: Shapes that do not fit, or levels that are not whole numbers.

    Example:
        >>> value = torch.tensor([[[[1.0], [2.0], [4.0], [8.0]]]])
        >>> same = torch.zeros_like(value)  # equal scores: means of the values that may be seen
        >>> cross_scale_attention(same, same, value, torch.tensor([0, 1, 2, 2])).flatten()
        tensor([4.6667, 6.0000, 6.0000, 6.0000])

    Source: the attention that descriptions of pyramids for vision-language models call "HiRED (High-to-Low Resolution
        Elastic Dependency)". The paper of that name, Arif et al., "HiRED: Attention-Guided Token Dropping" (AAAI
        2025), is High-Resolution Early Dropping and has no such attention. Differs from the description in computing
        all levels at once from the layer's input: there the fine level attends to medium tokens already refined.
    """
    _check_tokens(query, key, value, levels)
    batch, _, n, _ = query.shape
    if not n:
        return value
    if levels.ndim == 1:
        order = levels.argsort(descending=True, stable=True)
        counts = levels[order].unique_consecutive(return_counts=True)[1].tolist()  # type: ignore[no-untyped-call]
        query, key, value = (tensor.index_select(2, order) for tensor in (query, key, value))
        return _by_stretches(query, key, value, counts, own).index_select(2, order.argsort())
    order = levels.argsort(dim=-1, descending=True, stable=True)
    ordered = levels.gather(1, order)
    starts = torch.cat([torch.ones_like(ordered[:, :1], dtype=torch.bool), ordered.diff() != 0], 1)
    patterns, kind = starts.unique(dim=0, return_inverse=True)  # type: ignore[no-untyped-call]  # torch's own
    out = value.new_empty(batch, n, value.shape[1], value.shape[-1])
    for k, pattern in enumerate(patterns):
        image = (kind == k).nonzero()  # (images, 1), broadcasts with the orders of their tokens
        place = image, order[image[:, 0]]
        edges = [*pattern.nonzero().flatten().tolist(), n]
        counts = [end - start for start, end in pairwise(edges)]
        query_k, key_k, value_k = (tensor.transpose(1, 2)[place].transpose(1, 2) for tensor in (query, key, value))
        out = out.index_put(place, _by_stretches(query_k, key_k, value_k, counts, own).transpose(1, 2))
    return out.transpose(1, 2)


def _by_stretches(query: Tensor, key: Tensor, value: Tensor, counts: list[int], own: bool) -> Tensor:
    """Attention of tokens in order of falling level, `counts` of each: every level looks at a beginning of them."""
    found, start = [], 0
    for seen, count in zip(_seen(counts, own), counts, strict=True):
        part = query[:, :, start : start + count]
        found.append(scaled_dot_product_attention(part, key[:, :, :seen], value[:, :, :seen]))
        start += count
    return torch.cat(found, 2)


def _seen(counts: list[int], own: bool) -> list[int]:
    """How many tokens a token of each level attends to, the coarsest level first; levels hold at least one token."""
    coarser = [sum(counts[:k]) for k in range(len(counts))]
    return [before + count if own or not before else before for before, count in zip(coarser, counts, strict=True)]


def cross_scale_flops(counts: Mapping[int, int], width: int, own: bool = False, projections: bool = False) -> int:
    """Returns the floating point operations of `cross_scale_attention` for one image, exactly.

    A multiplication and an addition are two operations, and only the two matrix products of each block count: scores
    and weighted sums, 4 * width for each pair of a token and one that it attends to. Softmax and scaling do not.
    Full attention costs 4 * width * n^2.

    Args:
        counts: Number of tokens of each level; 0 is the finest level.
        width: Heads times width of a head.
        own: As in `cross_scale_attention`.
        projections: Whether to add the four linear maps of `CrossScaleAttention`, 8 * width^2 a token.

    Example:
        >>> cross_scale_flops({2: 64, 1: 128, 0: 128}, 768) / (4 * 768 * 320**2)
        0.36
    """
    whole_number(width, "width", 1)
    tokens = [whole_number(counts[level], f"count of level {level}", 0) for level in sorted(counts, reverse=True)]
    present = [count for count in tokens if count]
    pairs = sum(count * seen for count, seen in zip(present, _seen(present, own), strict=True))
    return 4 * width * pairs + (8 * width**2 * sum(present) if projections else 0)


class CrossScaleAttention(nn.Module):
    """Multi-head `cross_scale_attention` with its linear maps; see there for who attends to whom, and the source.

    The parameters are those of `torch.nn.MultiheadAttention`: one level alone gives what it gives.

    Args:
        width: Of a token, a multiple of `heads`.
        heads: Number of heads.
        own: Whether tokens attend to their own level too. The coarsest level that is there always does.
        bias: Whether the linear maps have biases.

    Example:
        >>> layer = CrossScaleAttention(width=32, heads=4)
        >>> layer(torch.zeros(2, 7, 32), torch.tensor([2, 1, 1, 0, 0, 0, 0])).shape
        torch.Size([2, 7, 32])
    """

    def __init__(self, width: int, heads: int, own: bool = False, bias: bool = True) -> None:
        super().__init__()
        if whole_number(width, "width", 1) % whole_number(heads, "heads", 1):
            raise ValueError(f"width must be a multiple of heads, got {width} and {heads}")
        self.heads, self.own = heads, own
        self.inner = nn.Linear(width, 3 * width, bias)
        self.outer = nn.Linear(width, width, bias)

    def forward(self, tokens: Tensor, levels: Tensor) -> Tensor:
        """Returns (b, n, width) for tokens (b, n, width) whose levels are (n,) or (b, n)."""
        if tokens.ndim != 3 or tokens.shape[-1] != self.outer.in_features:
            raise ValueError(f"tokens must be (b, n, {self.outer.in_features}), got {tuple(tokens.shape)}")
        query, key, value = self.inner(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        found = cross_scale_attention(query, key, value, levels, self.own)
        mixed: Tensor = self.outer(found.transpose(1, 2).flatten(2))
        return mixed

    def extra_repr(self) -> str:
        """Returns the options, for `repr`."""
        return f"heads={self.heads}, own={self.own}"


def _check_tokens(query: Tensor, key: Tensor, value: Tensor, levels: Tensor) -> None:
    """Refuses what would broadcast or fail far from the cause."""
    shapes = [tuple(tensor.shape) for tensor in (query, key, value)]
    if query.ndim != 4 or shapes[1] != shapes[0] or value.ndim != 4 or shapes[2][:3] != shapes[0][:3]:
        raise ValueError(f"query, key and value must be (b, heads, n, d), of equal b, heads and n, got {shapes}")
    if tuple(levels.shape) not in ((query.shape[2],), (query.shape[0], query.shape[2])):
        expected = f"({query.shape[2]},) or ({query.shape[0]}, {query.shape[2]})"
        raise ValueError(f"levels must be {expected}, one a token, got {tuple(levels.shape)}")
    if levels.is_floating_point() or levels.is_complex() or levels.dtype == torch.bool:
        raise ValueError(f"levels must be whole numbers, got {shorten(levels.dtype)}; 0 is the finest level")
