"""Resampling by separable windowed kernels: an image to any grid of samples, without aliasing."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .._check import one_of

Kernel = Callable[[Tensor], Tensor]


def lanczos3(distance: Tensor) -> Tensor:
    """Lanczos kernel of three lobes: sinc(t) sinc(t / 3) for |t| < 3, else 0."""
    return torch.where(distance.abs() < 3, torch.sinc(distance) * torch.sinc(distance / 3), 0.0)


def cubic(distance: Tensor) -> Tensor:
    """Keys' cubic kernel with a = -1/2, which reproduces quadratics (Keys 1981, eq. 8); support 2."""
    t = distance.abs()
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t < 1, near, torch.where(t < 2, far, 0.0))


def triangle(distance: Tensor) -> Tensor:
    """Linear interpolation: 1 - |t| for |t| < 1, else 0."""
    return (1 - distance.abs()).clamp(min=0)


KERNELS: dict[str, tuple[Kernel, float]] = {
    "lanczos": (lanczos3, 3.0),
    "cubic": (cubic, 2.0),
    "linear": (triangle, 1.0),
}


def taps(centres: Tensor, scale: float, size: int, filter: str) -> tuple[Tensor, Tensor]:
    """Which samples of an axis make each output sample, and how much of each.

    The kernel is stretched by `scale` where that is above 1, so it is a low-pass filter at the output's Nyquist
    rate. Samples beyond the ends repeat the end sample. Weights of an output sample sum to 1.

    Args:
        centres: float64 `(n,)`: output sample places in input pixels (the centre of pixel i is i + 0.5).
        scale: Input pixels per output pixel.
        size: Number of input samples.
        filter: A name in `KERNELS`.

    Returns:
        Indices `(n, t)` int64 in 0..size-1, and float64 weights `(n, t)`.
    """
    kernel, support = KERNELS[one_of(filter, "filter", KERNELS)]
    stretch = max(scale, 1.0)
    count = 2 * math.ceil(support * stretch) + 1
    first = torch.floor(centres) - count // 2
    index = first[:, None] + torch.arange(count, device=centres.device)
    weight = kernel((index + 0.5 - centres[:, None]) / stretch)
    weight = weight / weight.sum(1, keepdim=True)
    return index.clamp(0, size - 1).long(), weight


def resample_rows(x: Tensor, centres: Tensor, scale: float, filter: str = "lanczos") -> Tensor:
    """Samples the rows of `x` (..., h, w) at `centres`; returns (..., n, w) in the type of `x`."""
    index, weight = taps(centres.to(x.device), scale, x.shape[-2], filter)
    columns = weight.to(x.dtype).unsqueeze(-1)
    out = x.index_select(-2, index[:, 0]) * columns[:, 0]
    for tap in range(1, index.shape[1]):
        out = torch.addcmul(out, x.index_select(-2, index[:, tap]), columns[:, tap])
    return out


def resize(x: Tensor, size: tuple[int, int], filter: str = "lanczos") -> Tensor:
    """Resizes (..., h, w) to (..., *size): anti-aliased when it shrinks, interpolated when it grows.

    Pixels are areas: output sample k of n shows the input around (k + 0.5) h / n. Edges are replicated. Linear and
    differentiable in `x`.

    Args:
        x: Floating image (..., h, w).
        size: Rows and columns of the result, at least 1.
        filter: "lanczos", "cubic" or "linear".

    Example:
        >>> resize(torch.tensor([[0.0, 1.0, 2.0, 3.0]]), (1, 2), filter="linear")
        tensor([[0.6250, 2.3750]])

    Source: Turkowski, "Filters for common resampling tasks" (1990); Keys (1981) for the cubic kernel.
    """
    for axis in (-2, -1):
        have, want = x.shape[axis], size[axis]
        if have != want:
            scale = have / want
            centres = (torch.arange(want, dtype=torch.float64) + 0.5) * scale
            flipped = x if axis == -2 else x.transpose(-1, -2).contiguous()
            out = resample_rows(flipped, centres, scale, filter)
            x = out if axis == -2 else out.transpose(-1, -2)
    return x.contiguous()


def integrate_rows(x: Tensor, edges: Tensor) -> Tensor:
    """Integrates `x` (..., h, w), constant within each row, between successive `edges`; returns (..., n - 1, w).

    Args:
        x: Floating values over the unit interval: row i covers i / h to (i + 1) / h.
        edges: float64 (n,) ascending, from 0 to 1.

    Example:
        >>> integrate_rows(torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 0.75, 1.0]))
        tensor([[1.2500],
                [0.7500]], dtype=torch.float64)
    """
    index, share, owner = pieces(x.shape[-2], edges.to(x.device))
    parts = x.double().index_select(-2, index) * share[:, None]
    return parts.new_zeros((*x.shape[:-2], len(edges) - 1, x.shape[-1])).index_add_(-2, owner, parts)


def pieces(size: int, edges: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cuts the intervals between successive `edges` where one of `size` equal parts of the unit interval ends.

    Args:
        size: Number of parts.
        edges: float64 (n,) ascending, from 0 to 1.

    Returns:
        Of each piece, in ascending order: the part (int64) and the interval (int64) that it lies in, its length
        (float64) between them.

    Example:
        >>> pieces(2, torch.tensor([0.0, 0.75, 1.0]))
        (tensor([0, 1, 1]), tensor([0.5000, 0.2500, 0.2500]), tensor([0, 0, 1]))
    """
    place = edges * size
    ends = torch.arange(size + 1, dtype=place.dtype, device=place.device)
    cuts = torch.cat([place, ends[(ends > place[0]) & (ends < place[-1])]])
    cuts = cuts.unique()  # type: ignore[no-untyped-call]  # torch's own
    index = cuts[:-1].floor().clamp(0, size - 1).long()
    return index, cuts.diff() / size, torch.searchsorted(place, cuts[:-1], right=True) - 1
