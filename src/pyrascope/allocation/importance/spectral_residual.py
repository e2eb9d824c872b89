"""Importance of what a plain image statistic does not predict: the spectral residual (Hou & Zhang)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..._check import whole_number
from ...signal.resample import resize
from ..contracts.allocator import Scene
from .importance import normalised, on_cells
from .planes import levelled, luminance

SIGMA = 2.5  # of the smoothing in samples, with a support of 10, as in the authors' program; the paper says 8


def spectral_residual(plane: Tensor) -> Tensor:
    """Returns the squared amplitude of a plane whose log spectrum is left as its difference to a 3 x 3 mean.

    Log amplitudes are those of the Fourier transform, at least 1e-12 of the greatest; neighbours wrap around, as
    the spectrum does. A constant plane gives zeros.

    Args:
        plane: Floating (h, w).

    Returns:
        Non-negative (h, w), not yet smoothed.

    Source: Hou & Zhang 2007, "Saliency Detection: A Spectral Residual Approach", eqs. 3 to 5.
    """
    spectrum = torch.fft.fft2(plane.double())
    amplitude = spectrum.abs()
    peak = amplitude.max()
    if not peak:
        return torch.zeros_like(plane)
    log = amplitude.clamp(min=1e-12 * float(peak)).log()
    rows = sum(log.roll(shift, 0) for shift in (-1, 0, 1))
    mean = sum(torch.as_tensor(rows).roll(shift, 1) for shift in (-1, 0, 1)) / 9
    residual = torch.polar((log - mean).exp(), spectrum.angle())
    found: Tensor = torch.fft.ifft2(residual).abs().square()
    return found


def smoothed(values: Tensor, sigma: float) -> Tensor:
    """Returns (h, w) convolved with a Gaussian of 4 sigma to each side; edges are repeated."""
    reach = int(4 * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    for axis in (0, 1):
        n = values.shape[axis]
        index = torch.arange(-reach, n + reach).clamp(0, n - 1).to(values.device)
        padded = values.double().index_select(axis, index)
        values = torch.stack([w * padded.narrow(axis, k, n) for k, w in enumerate(kernel.tolist())]).sum(0)
    return values


@dataclass(frozen=True)
class SpectralResidual:
    """What the smooth spectrum that all pictures share does not predict.

    Attributes:
        side: The longer side that the luminance is shrunk to before, in samples: the scale of what stands out.
    """

    side: int = 64

    def __post_init__(self) -> None:
        whole_number(self.side, "side", 1, 1024)

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        plane = luminance(levelled(scene.image))
        longest = max(scene.size)
        if longest > self.side:
            h, w = (max(1, round(n * self.side / longest)) for n in scene.size)
            plane = resize(plane, (h, w), "linear")
        return normalised(on_cells(smoothed(spectral_residual(plane), SIGMA), scene.size, cell).clamp(min=0))
