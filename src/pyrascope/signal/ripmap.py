"""Sharp levels per axis: an image halved ly times along y and lx times along x, without aliasing.

A sample of level l along an axis shows the 2**l source pixels that it covers: sample k is centred on (k + 0.5) 2**l.
(The Gaussian pyramid is another lattice: its samples sit *on* every second pixel, and its levels are softer.)
"""

from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from .arrays import blank
from .backend import usable
from .resample import KERNELS

LevelPair = tuple[int, int]


def _half_weights() -> tuple[float, ...]:
    """Lanczos-3 weights at the distances 0.5, 1.5 .. 5.5 pixels from the middle of a pair, for a halving."""
    kernel, support = KERNELS["lanczos"]
    weights = kernel((torch.arange(2 * support, dtype=torch.float64) + 0.5) / 2)
    return tuple((weights / (2 * weights.sum())).tolist())


HALF_WEIGHTS = _half_weights()


def halve(x: Tensor, axis: int) -> Tensor:
    """Halves axis -2 or -1 to ceil(n / 2) samples with Lanczos-3, edges replicated.

    Constants are kept; at 1.5 times the Nyquist rate of the result and above, less than 2 % of an amplitude passes.

    Example:
        >>> halve(torch.tensor([[0.0, 1.0, 1.0]]), -1)
        tensor([[0.5000, 1.0819]])
    """
    if module := usable("pyrascope.signal.kernels.sharp", x):
        return _halved_by_kernels(module, x, axis)
    size, reach = x.shape[axis], len(HALF_WEIGHTS) - 1
    edge = list(x.shape)
    edge[axis] = reach
    first, last = x.narrow(axis, 0, 1), x.narrow(axis, size - 1, 1)
    padded = torch.cat([first.expand(edge), x, *[last] * (size % 2), last.expand(edge)], axis)
    # both parities as copies of their own: sums of contiguous slices are fast, of strided ones slow
    parts = [padded[..., start::2] if axis == -1 else padded[..., start::2, :] for start in (0, 1)]
    parts = [part.contiguous() for part in parts]
    half = (size + 1) // 2

    def tap(start: int) -> Tensor:
        return parts[start % 2].narrow(axis, start // 2, half)

    out = (tap(reach) + tap(reach + 1)) * HALF_WEIGHTS[0]
    for distance in range(1, reach + 1):
        out = out.add_(tap(reach - distance) + tap(reach + 1 + distance), alpha=HALF_WEIGHTS[distance])
    return out


def _halved_by_kernels(module: ModuleType, x: Tensor, axis: int) -> Tensor:
    """`halve` by compiled code: equal to rounding."""
    planes = x.detach().contiguous().reshape(-1, *x.shape[-2:]).numpy()
    shape = [-(-n // 2) if place == axis + 2 else n for place, n in enumerate(x.shape[-2:])]
    out = blank((len(planes), *shape), planes.dtype)
    (module.halve_rows if axis == -2 else module.halve_columns)(planes, np.array(HALF_WEIGHTS, planes.dtype), out)
    return torch.from_numpy(out).reshape(*x.shape[:-2], *shape)


def halve_both(x: Tensor) -> Tensor:
    """Halves rows and columns: `halve` along both axes, where kernels can be used without the level between."""
    module = usable("pyrascope.signal.kernels.sharp", x)
    if module is None:
        return halve(halve(x, -2), -1)
    planes = x.detach().contiguous().reshape(-1, *x.shape[-2:]).numpy()
    out = blank((len(planes), -(-x.shape[-2] // 2), -(-x.shape[-1] // 2)), planes.dtype)
    module.halve_both(planes, np.array(HALF_WEIGHTS, planes.dtype), out)
    return torch.from_numpy(out).reshape(*x.shape[:-2], *out.shape[1:])


def double(x: Tensor, size: int, axis: int) -> Tensor:
    """Doubles axis -2 or -1 to `size` samples (2n or 2n - 1) by cubic interpolation, edges replicated.

    Example:
        >>> double(torch.tensor([[0.0, 1.0]]), 4, -1)
        tensor([[-0.0703,  0.2031,  0.7969,  1.0703]])
    """
    n = x.shape[axis]
    edge = list(x.shape)
    edge[axis] = 2
    padded = torch.cat([x.narrow(axis, 0, 1).expand(edge), x, x.narrow(axis, n - 1, 1).expand(edge)], axis)
    kernel, _ = KERNELS["cubic"]
    a, b, c, d = kernel(torch.tensor([1.75, 0.75, 0.25, 1.25], dtype=torch.float64)).tolist()
    w, x0, y, z, v = (padded.narrow(axis, start, n) for start in range(5))
    even = (y * c).add_(x0, alpha=b).add_(z, alpha=d).add_(w, alpha=a)
    odd = (y * c).add_(z, alpha=b).add_(x0, alpha=d).add_(v, alpha=a)
    both = torch.stack([even, odd], dim=x.ndim if axis == -1 else x.ndim - 1)
    return both.flatten(-2 if axis == -1 else -3, -1 if axis == -1 else -2).narrow(axis, 0, size)


class Ripmap:
    """The sharp levels of one image (..., h, w), made when asked for and kept.

    Guarantee: level (0, 0) is the image itself; level (ly, lx) has ceil(h / 2**ly) rows and ceil(w / 2**lx) columns,
    and is the same whatever was asked for before, since halving along y and along x commute.

    Example:
        >>> ripmap = Ripmap(torch.ones(3, 5, 8))
        >>> ripmap[1, 2].shape
        torch.Size([3, 3, 2])
    """

    def __init__(self, image: Tensor) -> None:
        self._levels: dict[LevelPair, Tensor] = {(0, 0): image}

    def __getitem__(self, level: LevelPair) -> Tensor:
        """Returns level (ly, lx)."""
        if level not in self._levels:
            ly, lx = level
            if ly == lx and (ly, lx - 1) not in self._levels:
                self._levels[level] = halve_both(self[ly - 1, lx - 1])
                return self._levels[level]
            self._levels[level] = halve(self[ly - 1, lx], -2) if ly >= lx else halve(self[ly, lx - 1], -1)
        return self._levels[level]


def levels_to_one(size: int) -> int:
    """Returns how often an axis of `size` samples is halved until one is left.

    Example:
        >>> levels_to_one(1), levels_to_one(48), levels_to_one(64)
        (0, 6, 6)
    """
    return (size - 1).bit_length()
