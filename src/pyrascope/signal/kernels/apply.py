"""Tensors in and out of the kernels, on as many threads as torch uses; no gradients here."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._typing import BoundaryMode
from ..filters import coarser
from .operators import Operator, tables
from .passes import down, split, up

Array = NDArray[Any]
THREADED = 1 << 18  # samples of the finer level below which a second thread costs more than it saves
CHUNK = 1 << 18  # samples of the planes that go through all levels together, while they are in cache
Work = Callable[[int, int, int], None]
"""What is done to planes first to last on so many threads."""


def apply(operator: Operator, x: Tensor, base: Tensor | None = None, sign: float = 1.0) -> Tensor:
    """Returns `operator` of `x` (..., h, w); with `base` and an upward operator, `base` plus `sign` times that."""
    source = _planes(x)
    out = np.empty((len(source), *operator.size), source.dtype)
    threads = _threads(max(source.size, out.size))
    if operator.down:
        _down(source, out, operator, threads)
    else:
        _up(source, None if base is None else _planes(base), out, operator, sign, threads)
    return _tensor(out, x)


def gaussian(x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
    """Returns the successive reductions of `x`, `levels` of them."""
    pyramid = [_planes(x)]
    for _ in range(levels):
        pyramid.append(_half(pyramid[-1]))

    def work(first: int, last: int, threads: int) -> None:
        for fine, coarse in pairwise(pyramid):
            _down(fine[first:last], coarse[first:last], _reducing(fine, mode), threads)

    _by_plane(work, pyramid[0])
    return [_tensor(out, x) for out in pyramid[1:]]


def laplacian(x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
    """Returns `levels` bands of `x`, at least one, and the residual."""
    image = _planes(x)
    bands = [np.empty_like(image)]
    for _ in range(levels):
        bands.append(_half(bands[-1]))

    def work(first: int, last: int, threads: int) -> None:
        fine = image[first:last]
        for level in range(levels):
            # What is between the image and the residual is kept for these planes and this level only.
            coarse = bands[-1][first:last] if level == levels - 1 else _half(fine)
            _split(fine, coarse, bands[level][first:last], mode, threads)
            fine = coarse

    _by_plane(work, image)
    return [_tensor(band, x) for band in bands]


def reconstruct(bands: Sequence[Tensor], mode: BoundaryMode) -> Tensor:
    """Returns the image of `bands`, fine to coarse and at least two, the residual last."""
    planes = [_planes(band) for band in bands]
    image = np.empty_like(planes[0])

    def work(first: int, last: int, threads: int) -> None:
        coarse = planes[-1][first:last]
        for level in range(len(planes) - 2, -1, -1):
            band = planes[level][first:last]
            out = np.empty_like(band) if level else image[first:last]
            _up(coarse, band, out, _expanding(out, mode), 1.0, threads)
            coarse = out

    _by_plane(work, image)
    return _tensor(image, bands[0])


def _down(x: Array, out: Array, operator: Operator, threads: int) -> None:
    known = tables(operator, x.dtype)
    _in_parts(lambda i, j: down(x, out, known, i, j), len(x) * out.shape[1], threads)


def _up(x: Array, base: Array | None, out: Array, operator: Operator, sign: float, threads: int) -> None:
    known, factor = tables(operator, x.dtype), x.dtype.type(sign)
    ground, onto = (out, False) if base is None else (base, True)
    _in_parts(lambda i, j: up(x, ground, out, known, factor, onto, i, j), len(x) * x.shape[1], threads)


def _split(x: Array, coarse: Array, band: Array, mode: BoundaryMode, threads: int) -> None:
    reducing, expanding = _reducing(x, mode), _expanding(x, mode)
    if threads > 1:
        _down(x, coarse, reducing, threads)
        _up(coarse, x, band, expanding, -1.0, threads)
    else:
        split(x, coarse, band, tables(reducing, x.dtype), tables(expanding, x.dtype), x.dtype.type(-1))


def _reducing(fine: Array, mode: BoundaryMode) -> Operator:
    return Operator("reduce", True, fine.shape[1:], mode)


def _expanding(fine: Array, mode: BoundaryMode) -> Operator:
    return Operator("expand", False, fine.shape[1:], mode)


def _by_plane(work: Work, planes: Array) -> None:
    """Does `work` on a few planes at a time, which differ in nothing from all at once; few large ones by rows."""
    threads, count = _threads(planes.size), len(planes)
    if count < threads:
        work(0, count, threads)
        return
    step = max(1, CHUNK // (planes.shape[1] * planes.shape[2]))

    def part(first: int, last: int) -> None:
        for i in range(first, last, step):
            work(i, min(i + step, last), 1)

    _in_parts(part, count, threads)


def _in_parts(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Does `work` on 0 to `count`, in one part a thread. Each row is computed alone, so parts change no bit."""
    if threads == 1:
        work(0, count)
        return
    ends = [count * part // threads for part in range(threads + 1)]
    # Threads of Python and no pool of Numba's: nothing to outlive a fork, and callers may have threads of their own.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))


def _threads(samples: int) -> int:
    return torch.get_num_threads() if samples >= THREADED else 1


def _planes(x: Tensor) -> Array:
    """Returns the memory of `x` as an array (planes, h, w); a copy only where `x` is not contiguous."""
    plain: Array = x.detach().resolve_neg().contiguous().numpy()
    return plain.reshape(prod(x.shape[:-2]), *x.shape[-2:])


def _half(fine: Array) -> Array:
    return np.empty((len(fine), coarser(fine.shape[1]), coarser(fine.shape[2])), fine.dtype)


def _tensor(planes: Array, like: Tensor) -> Tensor:
    """Returns `planes`, which NumPy has allocated, with the leading axes of `like`."""
    # NumPy asks for huge pages, torch does not: a large result would cost more in page faults than in sums.
    return torch.from_numpy(planes).view(*like.shape[:-2], *planes.shape[1:])
