"""Choices among equals that do not hang on a processor's last bits.

Numbers that are equal on paper come out of sums and products a few units in the last place apart, and how far differs
from one processor to the next. So nothing here asks for the largest of such numbers bare: values that lie within a
stated margin of one another count as equal, and of equals the first wins.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

ROUNDED = 2.0**-20
"""Margin, as a share of the size of the terms, for what was computed in float32: eight units in the last place."""
FINE = 2.0**-40
"""Margin for what was computed in float64 throughout: thousands of units, room for long sums."""

TIE = 2.0**-16
"""Share by which sums of distortions may differ and yet be equal: they come from small differences between large
values, whose rounding counts for more."""
ALIKE = 2.0**-12
"""The same for peaks of maps, which are scaled."""

Array = NDArray[Any]


def margin_of(dtype: torch.dtype) -> float:
    """Returns the margin for values of a type: `FINE` for float64, 0 for whole numbers, else `ROUNDED`.

    Values of half precision lie farther apart than that: of those, only equal ones count as equal.

    Example:
        >>> margin_of(torch.float32) == ROUNDED, margin_of(torch.int64)
        (True, 0.0)
    """
    if not dtype.is_floating_point:
        return 0.0
    return FINE if dtype == torch.float64 else ROUNDED


def groups(values: Tensor, margin: float, size: float = 0.0) -> Tensor:
    """Numbers values from the largest down, equals alike: 0 for the largest and its equals, then 1, and so on.

    Values form a group where each is within the margin of its neighbour and of the group's largest. The margin is a
    share of |value| + `size`. So values that are equal on paper share a number as long as no others lie about a
    margin away.

    Args:
        values: (..., n), not NaN; infinite ones are allowed.
        margin: `ROUNDED`, `FINE`, or 0 for bit for bit.
        size: Size of the terms from which the values came, where these may cancel.

    Returns:
        int64 (..., n).

    Example:
        >>> groups(torch.tensor([0.5, 2.0, 0.5 + 1e-7, 1.0]), ROUNDED)
        tensor([2, 0, 2, 1])
    """
    falling = values.sort(dim=-1, descending=True, stable=True)
    number = _numbered(falling.values, margin, size)
    return torch.empty_like(number).scatter_(-1, falling.indices, number)


def _numbered(falling: Tensor, margin: float, size: float) -> Tensor:
    """`groups` of values that fall along the last axis."""
    if not falling.numel():
        return torch.zeros(falling.shape, dtype=torch.int64, device=falling.device)
    values = falling.double() if falling.is_floating_point() else falling
    begins = torch.ones_like(values, dtype=torch.bool)  # of a run of neighbours that are equal
    if falling.is_floating_point():
        room = (margin * (values.abs() + size)).clamp(max=torch.finfo(torch.float64).max)
        begins[..., 1:] = _farther(values[..., :-1], values[..., 1:], room[..., 1:])
        begins |= _cuts(values.flatten(), room.flatten(), begins.flatten()).reshape(begins.shape)
    else:
        begins[..., 1:] = values[..., 1:] != values[..., :-1]
    return begins.cumsum(-1) - 1


def _cuts(values: Tensor, room: Tensor, begins: Tensor) -> Tensor:
    """Where runs have to be cut since they leave the margin of their first value; all (n,)."""
    first = begins.nonzero().flatten()
    length = torch.cat([first[1:], first.new_tensor([len(values)])]) - first
    far = _farther(values[first], values[first + length - 1], room[first])
    cut = torch.zeros_like(begins)
    if not bool(far.any()):
        return cut
    start = first[far].repeat_interleave(length[far])  # of the run of each value in one that is too long
    place = far.repeat_interleave(length).nonzero().flatten()
    step = room[start].clamp(min=torch.finfo(torch.float64).tiny)
    below = torch.where(values[place] == values[start], 0.0, ((values[start] - values[place]) / step).floor())
    cut[place[1:]] = (below[1:] != below[:-1]) & (start[1:] == start[:-1])
    return cut


def _farther(high: Tensor, low: Tensor, room: Tensor) -> Tensor:
    """Whether `high` is more than `room` above `low`; infinite ones are equal to their like alone."""
    return (high != low) & ~(high - low <= room)


def ranked(scores: Tensor, margin: float, size: float = 0.0) -> Tensor:
    """Returns the indices of scores from the largest down; of equals (see `groups`) the first comes first.

    Example:
        >>> ranked(torch.tensor([0.5, 2.0, 0.5 + 1e-7, 1.0]), ROUNDED)
        tensor([1, 3, 0, 2])
    """
    falling = scores.sort(dim=-1, descending=True, stable=True)
    number = _numbered(falling.values, margin, size)
    count = max(scores.shape[-1], 1)
    return falling.indices.gather(-1, (number * count + falling.indices).argsort(-1))


def first_of_largest(values: Tensor, room: Tensor | float) -> Tensor:
    """Returns the first index along the last axis whose value, raised by its `room`, reaches the largest.

    Example:
        >>> first_of_largest(torch.tensor([[0.2, 0.7, 0.7 + 1e-7]]), 1e-6)
        tensor([1])
    """
    reaches = (values + room >= values.amax(-1, keepdim=True)) | (values == values.amax(-1, keepdim=True))
    return reaches.to(torch.uint8).argmax(-1)


def settled(values: Tensor, margin: float, size: float = 0.0) -> Tensor:
    """Returns the values with equals (see `groups`) made exactly equal: each becomes the largest of its group.

    Example:
        >>> settled(torch.tensor([0.25, 0.5, 0.25 + 2**-24], dtype=torch.float64), ROUNDED).unique().tolist()
        [0.2500000596046448, 0.5]
    """
    flat = values.flatten()
    falling = flat.sort(descending=True, stable=True)
    number = _numbered(falling.values, margin, size)
    first = torch.cat([number.new_ones(1), number.diff()])[: len(flat)] > 0
    return torch.empty_like(flat).scatter_(0, falling.indices, falling.values[first][number]).reshape(values.shape)


def order_of(keys: ArrayLike, margin: float, size: float = 0.0) -> Array:
    """As `groups` of a NumPy array, from the smallest up: a key for `np.lexsort`.

    Example:
        >>> order_of([0.5, 2.0, 0.5 + 1e-7], ROUNDED)
        array([0, 1, 0])
    """
    values = torch.from_numpy(np.array(keys, dtype=np.float64))
    found: Array = groups(-values, margin, size).numpy()
    return found


def first_largest(values: ArrayLike, margin: float, size: float = 0.0) -> int:
    """Returns the flat index of the largest of NumPy values; of those within `margin` of it the first.

    Example:
        >>> first_largest([0.2, 0.7, 0.7 + 1e-9], ROUNDED)
        1
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    top = float(flat.max())
    return int(np.argmax(flat >= (top - margin * (abs(top) + size) if np.isfinite(top) else top)))


def settled_energy(energy: ArrayLike, area: float | Array, size: float, margin: float) -> Array:
    """Returns sums of squares with equals made exactly equal; those that are nothing but rounding become 0.

    Equal are energies whose root mean squares lie within `margin` * `size`: what rounding of the values does to these
    does not grow where they are small, as it does to the energies themselves.

    Args:
        energy: Sums of squares, not negative, any shape.
        area: How many pixels each sums, one number or the shape of `energy`.
        size: Size of the values from whose differences the squares came.
        margin: `ROUNDED` or `FINE`.

    Example:
        >>> settled_energy([4.0, 4.0 + 1e-6, 1e-13], 1, 1.0, ROUNDED).tolist()
        [4.000001, 4.000001, 0.0]
    """
    values = np.asarray(energy, dtype=np.float64)
    share = (values / area).ravel()
    order = np.argsort(-share)
    root = np.sqrt(share[order])
    number = _numbered(torch.from_numpy(root), margin, size).numpy()
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    largest = share[order[begins]]
    largest[root[begins] <= margin * size] = 0.0
    found = np.empty_like(share)
    found[order] = largest[number]
    return found.reshape(values.shape) * area


def magnitude(image: Tensor) -> float:
    """Returns the size of an image's values, the scale of their rounding: the largest of every eighth row and column.

    Example:
        >>> magnitude(torch.tensor([[[0.25, -0.5]]]).repeat(1, 1, 8))
        0.25
    """
    if not image.numel():
        return 0.0
    low, high = image[..., ::8, ::8].detach().aminmax()
    return max(-float(low), float(high))
