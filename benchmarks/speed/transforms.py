"""The steerable pyramid against its own Fourier transforms alone and two libraries, and pyramid losses against L1."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

import pyrascope as ps
from peers import library
from timing import Maker, Work

SCALES = 4


def image(size: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((size, size), np.float32))


def fourier_build(size: int, orientations: int, complex: bool, keep: bool) -> Work:
    """The transforms of a build alone, two real bands in one; `keep` all results, as a pyramid must, or none."""
    x, half, channels, low = _spectra(size, orientations, complex)

    def work() -> list[Tensor]:
        kept = [torch.fft.rfft2(x)][: int(keep)]
        kept += [torch.fft.irfft2(half, s=(size, size))][: int(keep)]
        for channel in [*channels, low]:
            kept += [torch.fft.ifft2(channel)][: int(keep)]
        return kept

    return work


def fourier_reconstruct(size: int, orientations: int, complex: bool) -> Work:
    """The transforms of a reconstruction alone."""
    x, _, channels, low = _spectra(size, orientations, complex)
    real = low.real.contiguous()

    def work() -> None:
        torch.fft.rfft2(x)
        torch.fft.fft2(real)
        for channel in channels:
            torch.fft.fft2(channel)
        torch.fft.ifft2(channels[0])

    return work


def _spectra(size: int, orientations: int, complex: bool) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
    x, count = image(size), orientations if complex else (orientations + 1) // 2
    planes = [torch.fft.fft2(image(size >> level)) for level in range(SCALES + 1)]
    return x, torch.fft.rfft2(x), [p.clone() for p in planes[:-1] for _ in range(count)], planes[-1]


def steerable_build(size: int, orientations: int, complex: bool) -> dict[str, Maker]:
    """Who builds a steerable pyramid of 4 scales."""
    x = image(size)

    def ours() -> Work:
        return lambda: ps.steerable_pyramid(x, SCALES, orientations, complex)

    def plenoptic() -> Work:
        pyramid, batch = _plenoptic(size, orientations, complex), x[None, None]
        return lambda: pyramid(batch)

    def pyrtools() -> Work:
        build, array = library("pyrtools").pyramids.SteerablePyramidFreq, x.numpy()
        return lambda: build(array, height=SCALES, order=orientations - 1, is_complex=complex)

    return {
        "ours": ours,
        "FFTs alone": lambda: fourier_build(size, orientations, complex, keep=False),
        "FFTs, results kept": lambda: fourier_build(size, orientations, complex, keep=True),
        "plenoptic": plenoptic,
        "pyrtools": pyrtools,
    }


def steerable_reconstruct(size: int, orientations: int, complex: bool) -> dict[str, Maker]:
    """Who gets the image back from all bands of it."""
    x = image(size)

    def ours() -> Work:
        pyramid = ps.steerable_pyramid(x, SCALES, orientations, complex)
        return lambda: ps.steerable_reconstruct(pyramid)

    def plenoptic() -> Work:
        pyramid = _plenoptic(size, orientations, complex)
        bands = pyramid(x[None, None])
        return lambda: pyramid.recon_pyr(bands)

    def pyrtools() -> Work:
        build = library("pyrtools").pyramids.SteerablePyramidFreq
        pyramid = build(x.numpy(), height=SCALES, order=orientations - 1, is_complex=complex)
        return lambda: pyramid.recon_pyr()

    return {
        "ours": ours,
        "FFTs alone": lambda: fourier_reconstruct(size, orientations, complex),
        "plenoptic": plenoptic,
        "pyrtools": pyrtools,
    }


def _plenoptic(size: int, orientations: int, complex: bool) -> Any:
    """Their pyramid for images of this size; its masks are made here, which is not timed."""
    return library("plenoptic").process.SteerablePyramidFreq(
        (size, size), height=SCALES, order=orientations - 1, is_complex=complex
    )


def losses(shape: tuple[int, ...]) -> dict[str, Maker]:
    """Forward and backward of the mean absolute difference of Laplacian bands, and of the images themselves."""
    generator = np.random.default_rng(0)
    x, target = (torch.from_numpy(generator.random(shape, np.float32)) for _ in range(2))
    x.requires_grad_()

    def both_ways(loss: Callable[[], Tensor]) -> Work:
        return lambda: torch.autograd.grad(loss(), x)

    def ours() -> Work:
        loss = ps.LaplacianLoss()
        return both_ways(lambda: loss(x, target))

    def pyramid_loss() -> Work:
        loss = library("pyramid_loss").PyramidLoss(levels=3, channels=shape[1])
        return both_ways(lambda: loss(x, target))

    def two_pyramids(pyramid: Callable[[Tensor], list[Tensor]]) -> Work:
        def loss() -> Tensor:
            pairs = zip(pyramid(x), pyramid(target), strict=True)
            return torch.stack([(a - b).abs().mean() * 0.5**level for level, (a, b) in enumerate(pairs)]).sum()

        return both_ways(loss)

    def kornia() -> Work:
        build = library("kornia.geometry.transform").build_laplacian_pyramid
        return two_pyramids(lambda image: build(image, 4))

    return {
        "ours": ours,
        "plain L1": lambda: both_ways(lambda: torch.nn.functional.l1_loss(x, target)),
        "kornia": kornia,
        "plenoptic": lambda: two_pyramids(library("plenoptic").process.LaplacianPyramid(4)),
        "pyramid-loss": pyramid_loss,
    }
