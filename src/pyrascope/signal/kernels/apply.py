"""Tensors in and out of the kernels, on as many threads as torch uses; no gradients here.

Planes go through all levels a few at a time, while they are in cache; few large planes by parts of their rows.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._typing import BoundaryMode
from .operators import Kind, Operator, Size, Tables, steps, tables
from .passes import ITSELF, NOTHING, OTHER, down, scale, split, up

Array = NDArray[Any]
PART = 1 << 20  # samples of the finer level that are worth a thread: to start one takes as long as a tenth of them
CHUNK = 1 << 18  # samples of the planes that go through all levels together
LARGER = 4  # times as many, where only coarser levels are written
Work = Callable[[slice, int], None]
"""What is done to some of the planes on so many threads."""


def apply(operator: Operator, x: Tensor, base: Tensor | None = None) -> Tensor:
    """Returns `operator` of `x` (..., h, w); with `base` and an upward operator, `base` plus that."""
    source = _planes(x)
    out = np.empty((len(source), *operator.size), source.dtype)
    known, threads = tables(operator, source.dtype), torch.get_num_threads()
    if operator.down:
        _down(source, out, known, threads)
    else:
        _up(source, None if base is None else _planes(base), out, known, threads)
    return _tensor(out, x)


def scaled(x: Tensor, full: int) -> Tensor:
    """Returns unsigned integers as float32, divided by `full`."""
    source, out = x.contiguous().numpy(), np.empty(x.shape, np.float32)
    flat, into = source.reshape(-1), out.reshape(-1)
    _in_parts(
        lambda i, j: scale(flat[i:j], np.float32(full), into[i:j]), len(flat), _enough(torch.get_num_threads(), flat)
    )
    return torch.from_numpy(out)


def descend(x: Tensor, levels: int, mode: BoundaryMode, kind: Kind = "reduce") -> list[Tensor]:
    """Returns `levels` coarser levels of `x`, at least one, each `kind` downwards of the one before."""
    source = _planes(x)
    known = steps(kind, True, source.shape[1:], levels, mode, source.dtype)
    pyramid = [source, *(_empty(source, step.coarse) for step in known)]

    def work(part: slice, threads: int) -> None:
        for level, step in enumerate(known):
            _down(pyramid[level][part], pyramid[level + 1][part], step.known, threads)

    _by_plane(work, source, LARGER * CHUNK)
    return [_tensor(out, x) for out in pyramid[1:]]


def ascend(base: Tensor | None, bands: Sequence[Tensor], size: Size, mode: BoundaryMode, kind: Kind) -> Tensor:
    """Returns `base` (None: zeros), of `size`, plus the coarser `bands`, at least one, each brought up by `kind`."""
    planes = [_planes(band) for band in bands]
    grounds = [None if base is None else _planes(base), *planes[:-1]]
    known = steps(kind, False, size, len(bands), mode, planes[0].dtype)
    image = _empty(planes[0], size)

    def work(part: slice, threads: int) -> None:
        coarse = planes[-1][part]
        for level in range(len(bands) - 1, -1, -1):
            ground = None if (whole := grounds[level]) is None else whole[part]
            out = np.empty_like(planes[level - 1][part]) if level else image[part]
            _up(coarse, ground, out, known[level].known, threads)
            coarse = out

    _by_plane(work, image)
    return _tensor(image, bands[0])


def laplacian(x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
    """Returns `levels` bands of `x`, at least one, and the residual."""
    image = _planes(x)
    reducing = steps("reduce", True, image.shape[1:], levels, mode, image.dtype)
    expanding = steps("expand", False, image.shape[1:], levels, mode, image.dtype)
    bands = [np.empty_like(image), *(_empty(image, step.coarse) for step in reducing)]

    def work(part: slice, threads: int) -> None:
        _split(image[part], bands[1][part], bands[0][part], reducing[0].known, expanding[0].known, threads)
        for level in range(1, levels):
            # Here is the Gaussian level until it becomes the band: no memory but for what is returned.
            fine, coarse = bands[level][part], bands[level + 1][part]
            _down(fine, coarse, reducing[level].known, threads)
            _up(coarse, fine, fine, expanding[level].known, threads, -1)

    _by_plane(work, image)
    return [_tensor(band, x) for band in bands]


def laplacian_adjoint(bands: Sequence[Tensor], mode: BoundaryMode) -> Tensor:
    """Returns the adjoint of `laplacian`: from coarse to fine, R^T (coarse - E^T band) + band."""
    planes, levels = [_planes(band) for band in bands], len(bands) - 1
    image = np.empty_like(planes[0])
    expanding = steps("expand", True, image.shape[1:], levels, mode, image.dtype)
    reducing = steps("reduce", False, image.shape[1:], levels, mode, image.dtype)

    def work(part: slice, threads: int) -> None:
        coarse = planes[-1][part]
        for level in range(levels - 1, -1, -1):
            band, lost = planes[level][part], np.empty_like(coarse)
            _down(band, lost, expanding[level].known, threads)
            out = np.empty_like(band) if level else image[part]
            _up(np.subtract(coarse, lost, out=lost), band, out, reducing[level].known, threads)
            coarse = out

    _by_plane(work, image)
    return _tensor(image, bands[0])


def _down(x: Array, out: Array, known: Tables, threads: int) -> None:
    count = len(x) * out.shape[1]
    if threads == 1:  # the usual case, at the cost of one call: small images take no longer than a few
        down(x, out, known, 0, count)
    else:
        _in_parts(lambda i, j: down(x, out, known, i, j), count, _enough(threads, x))


def _up(x: Array, base: Array | None, out: Array, known: Tables, threads: int, sign: int = 1) -> None:
    ground, factor = out if base is None else base, x.dtype.type(sign)
    ground_is = NOTHING if base is None else ITSELF if base is out else OTHER
    count = len(x) * x.shape[1]
    if threads == 1:
        up(x, ground, out, known, factor, ground_is, 0, count)
    else:
        _in_parts(lambda i, j: up(x, ground, out, known, factor, ground_is, i, j), count, _enough(threads, out))


def _split(x: Array, coarse: Array, band: Array, reducing: Tables, expanding: Tables, threads: int) -> None:
    if _enough(threads, x) > 1:
        _down(x, coarse, reducing, threads)
        _up(coarse, x, band, expanding, threads, -1)
    else:
        split(x, coarse, band, reducing, expanding, x.dtype.type(-1))


def _by_plane(work: Work, planes: Array, chunk: int = CHUNK) -> None:
    """Does `work` on a few planes at a time, which differ in nothing from all at once; few large ones by rows."""
    threads, count = _enough(torch.get_num_threads(), planes), len(planes)
    if count < threads:
        work(slice(0, count), threads)
        return
    if count == 1:
        work(slice(0, 1), 1)
        return
    step = max(1, chunk // (planes.shape[1] * planes.shape[2]))

    def part(first: int, last: int) -> None:
        for i in range(first, last, step):
            work(slice(i, min(i + step, last)), 1)

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


def _enough(threads: int, samples: Array) -> int:
    """Returns how many of so many threads are worth their cost."""
    return max(1, min(threads, samples.size // PART))


def _planes(x: Tensor) -> Array:
    """Returns the memory of `x` as an array (planes, h, w); a copy only where `x` is not contiguous."""
    # Each call of torch costs a small image as much as a level of it, so those that most tensors need not are left out.
    simple = not x.requires_grad and not x.is_neg() and x.is_contiguous()
    plain: Array = x.numpy() if simple else x.detach().resolve_neg().contiguous().numpy()
    return plain[None] if plain.ndim == 2 else plain.reshape(prod(x.shape[:-2]), *x.shape[-2:])


def _empty(like: Array, size: Size) -> Array:
    # NumPy asks for huge pages, torch does not: a large result would cost more in page faults than in sums.
    return np.empty((len(like), *size), like.dtype)


def _tensor(planes: Array, like: Tensor) -> Tensor:
    """Returns `planes` with the leading axes of `like`."""
    return torch.from_numpy(planes[0] if like.dim() == 2 else planes.reshape(*like.shape[:-2], *planes.shape[1:]))
