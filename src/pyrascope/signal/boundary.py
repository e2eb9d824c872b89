"""What lies beyond the border: the sample that stands there, named by its index.

An index that is computed holds at every size, also where an image is smaller than the filter.
"""

from typing import get_args

import torch
from torch import Tensor

from .._typing import BoundaryMode

MODES: tuple[str, ...] = get_args(BoundaryMode)


def mirror(i: int, n: int) -> int:
    """Returns index `i` reflected into 0 to n - 1, however far: a triangle wave of period 2 (n - 1)."""
    period = 2 * (n - 1)
    return min(i % period, -i % period) if period else 0


def source(i: int, n: int, mode: BoundaryMode) -> int | None:
    """Returns which of `n` samples stands at index `i`, beyond the border too; None stands for zero."""
    if 0 <= i < n:
        return i
    if mode == "reflect":
        return mirror(i, n)
    if mode == "replicate":
        return 0 if i < 0 else n - 1
    return i % n if mode == "circular" else None


def sample_at(x: Tensor, axis: int, i: int | None) -> Tensor:
    """Returns sample `i` along `axis`, the axis kept; zeros for None."""
    return torch.zeros_like(x.narrow(axis, 0, 1)) if i is None else x.narrow(axis, i, 1)
