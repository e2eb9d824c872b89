"""The pyramid's filters as one family of linear operators, closed under the adjoint.

With D the filter [1 4 6 4 1] / 16 that keeps every second sample and takes zeros for what lies beyond the border,
`reduce` is D and `expand` is 2 D^T along each axis, but for the few taps that reach beyond. Those are listed one by
one as links between a fine and a coarse sample, so that the adjoint is: D^T for D, and each link the other way round.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._typing import BoundaryMode
from ..boundary import mirror, source
from ..filters import coarser, double_axis, halve_axis

TAPS = (1, 4, 6, 4, 1)
Array = NDArray[Any]
Kind = Literal["reduce", "expand"]
Size = tuple[int, int]
Tables = tuple[Array, ...]
Links = tuple[tuple[int, int, float], ...]
"""(fine sample, coarse sample, weight) of each tap that reaches beyond the border."""


@dataclass(frozen=True)
class Operator:
    """A filter along rows and columns: which border links it has, which way it goes, and its gain along each axis.

    Attributes:
        kind: Whose links: "reduce" or "expand".
        down: Fine to coarse, or coarse to fine.
        fine: Rows and columns of the finer level.
        mode: What lies beyond the border.
    """

    kind: Kind
    down: bool
    fine: Size
    mode: BoundaryMode

    @property
    def adjoint(self) -> "Operator":
        """The transposed operator."""
        return Operator(self.kind, not self.down, self.fine, self.mode)

    @property
    def gain(self) -> int:
        """Factor on D or D^T along each axis."""
        return 1 if self.kind == "reduce" else 2

    @property
    def coarse(self) -> Size:
        """Rows and columns of the coarser level."""
        return coarser(self.fine[0]), coarser(self.fine[1])

    @property
    def size(self) -> Size:
        """Rows and columns of the result."""
        return self.coarse if self.down else self.fine

    def links(self, axis: int) -> Links:
        """Border links along rows (axis 0) or columns (axis 1)."""
        find = reduce_links if self.kind == "reduce" else expand_links
        return find(self.fine[axis], self.mode)

    def in_torch(self, x: Tensor) -> Tensor:
        """Applies the operator in plain torch operations, for what the kernels do not take (vmap of a gradient)."""
        for axis in (0, 1):
            if self.down:
                y = halve_axis(x, axis - 2, "constant") * self.gain
            else:
                y = double_axis(x, axis - 2, self.fine[axis], "constant") * (self.gain / 2)
            for fine, coarse, weight in self.links(axis):
                to, of = (coarse, fine) if self.down else (fine, coarse)
                place = torch.tensor([to], device=x.device)
                y = y.index_add(axis - 2, place, weight * x.narrow(axis - 2, of, 1))
            x = y
        return x


@lru_cache(maxsize=4096)
def reduce_links(n: int, mode: BoundaryMode) -> Links:
    """Returns the taps of `reduce` that reach beyond `n` samples."""
    links = []
    for k in sorted({0, coarser(n) - 1}):
        for tap, weight in enumerate(TAPS, start=-2):
            i = source(2 * k + tap, n, mode)
            if not 0 <= 2 * k + tap < n and i is not None:
                links.append((i, k, weight / 16))
    return tuple(links)


@lru_cache(maxsize=4096)
def expand_links(n: int, mode: BoundaryMode) -> Links:
    """Returns the taps of `expand` to `n` samples that reach beyond the coarser level."""
    m, links = coarser(n), []
    for k in (-1, m):
        # Reflection acts on the finer level, where an even index is mirrored to an even one.
        i = mirror(2 * k, n) // 2 if mode == "reflect" else source(k, m, mode)
        for tap, weight in enumerate(TAPS, start=-2):
            if 0 <= 2 * k + tap < n and i is not None:
                links.append((2 * k + tap, i, weight / 8))
    return tuple(links)


@lru_cache(maxsize=4096)
def tables(operator: Operator, dtype: np.dtype[Any]) -> Tables:
    """Returns what the kernels need to know: ends and weights of the links of rows and columns, and parts of the taps.

    An end is (sample of the result, sample of the source); the parts are 1, 2 and 4 sixteenths of the gain.
    """
    found: list[Array] = []
    for axis in (0, 1):
        links = operator.links(axis)
        ends = [(coarse, fine) if operator.down else (fine, coarse) for fine, coarse, _ in links]
        found.append(np.array(ends, np.int64).reshape(-1, 2))
        found.append(np.array([weight for *_, weight in links], dtype))
    return (*found, np.array([operator.gain * part / 16 for part in (1, 2, 4)], dtype))


class Step(NamedTuple):
    """Size of the coarser level, and tables of the operator between it and the finer one."""

    coarse: Size
    known: Tables


@lru_cache(maxsize=512)
def steps(
    kind: Kind, down: bool, fine: Size, levels: int, mode: BoundaryMode, dtype: np.dtype[Any]
) -> tuple[Step, ...]:
    """Returns the operators between `levels` + 1 levels, of which the finest has the size `fine`."""
    found = list[Step]()
    for _ in range(levels):
        operator = Operator(kind, down, fine, mode)
        found.append(Step(fine := operator.coarse, tables(operator, dtype)))
    return tuple(found)
