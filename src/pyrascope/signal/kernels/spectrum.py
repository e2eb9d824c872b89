"""Kernels of the steerable pyramid: a channel straight from the half-plane, and real bands from a channel.

Each number is read and written once, where torch makes the whole plane, crops it, and parts real from imaginary
numbers in strided passes. Memory is NumPy's, which asks the system for large pages: a pyramid of a large
image in torch's spends a third of its time on getting small ones.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .compiled import compiled


class Filters:
    """The spectrum of real images times one response after the other, all in the same memory.

    Args:
        half: What `torch.fft.rfft2` gives, (..., h, w // 2 + 1).
        width: The columns w of the images.
    """

    def __init__(self, half: Tensor, width: int) -> None:
        self.lead = half.shape[:-2]
        self.planes = half.reshape(-1, *half.shape[-2:]).numpy()
        # Memory that is given back and asked for again each time costs more than the multiplication.
        self.scratch = np.empty(self.planes.shape[0] * self.planes.shape[1] * width, self.planes.dtype)

    def half_plane(self, response: Tensor) -> Tensor:
        """Returns the half-plane times `response` of the same size; the next call overwrites it."""
        return self._times(response, response.shape[1])

    def whole_plane(self, response: Tensor) -> Tensor:
        """Returns the whole plane, cropped to the size of `response`, times it; the next call overwrites it."""
        return self._times(response, (response.shape[1] + 1) // 2)

    def _times(self, response: Tensor, positive: int) -> Tensor:
        out = self.scratch[: len(self.planes) * response.numel()].reshape(-1, *response.shape)
        multiply(self.planes, response.contiguous().numpy(), positive, out)
        return torch.from_numpy(out).view(*self.lead, *response.shape)


def parts(signal: Tensor, count: int) -> list[Tensor]:
    """Returns the real part of `signal` and, for a `count` of 2, the imaginary part as tensors of their own."""
    numbers = torch.view_as_real(signal.contiguous()).view(-1, 2).numpy()
    bands = [np.empty(signal.shape, numbers.dtype) for _ in range(count)]
    deal(numbers, bands[0].reshape(-1), bands[-1].reshape(-1))
    return [torch.from_numpy(band) for band in bands]


@compiled
def multiply(half: NDArray[Any], response: NDArray[Any], positive: int, out: NDArray[Any]) -> None:
    """out[p] = response times the lowest frequencies of plane p, from column `positive` on read at their opposites."""
    height = half.shape[1]
    rows, columns = response.shape
    for p in range(half.shape[0]):
        for row in range(rows):
            y = row if 2 * row < rows else height - rows + row
            source, weights, target = half[p, y], response[row], out[p, row]
            for column in range(positive):
                target[column] = source[column] * weights[column]
            source = half[p, height - y if y else 0]
            for column in range(positive, columns):
                target[column] = np.conj(source[columns - column]) * weights[column]


@compiled
def deal(numbers: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> None:
    """Real parts go to `first`, imaginary parts to `second` unless that is `first`."""
    for i in range(first.size):
        second[i] = numbers[i, 1]
        first[i] = numbers[i, 0]


def trial() -> None:
    """Compiles and runs what is here once, so that a compiler that does not work is known at once."""
    half = torch.ones(2, 2, dtype=torch.complex64)
    parts(Filters(half, 2).whole_plane(half), 2)
    Filters(half, 2).half_plane(half.real)
