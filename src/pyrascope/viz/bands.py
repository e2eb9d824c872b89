"""Bands as pictures: grey is 0, on a symmetric scale, and fine detail stays visible when a band is drawn small."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import max_pool2d

from .plan_figure import pixels

SHARE = 0.995  # of the magnitudes lies within the scale
ENOUGH = 1 << 20  # samples to estimate it from


def scale_of(bands: Sequence[Tensor]) -> float:
    """Returns the value that bands (c, h, w) show as white, and its negative as black: few go beyond; not 0."""
    values = torch.cat([band.detach().cpu().abs().float().flatten() for band in bands])
    return float(np.quantile(values[:: max(1, len(values) // ENOUGH)].numpy(), SHARE)) or 1.0


def written(scale: float) -> str:
    """Returns a scale as a label has it: two digits, and no exponent for large ones."""
    return f"{scale:.0f}" if 99.5 <= scale < 1e6 else f"{scale:.2g}"


def shaded(band: Tensor, scale: float, dots: float) -> NDArray[np.float32]:
    """Returns a band (c, h, w) as (h', w', 3) in [0, 1], no wider than `dots`; complex bands as their amplitude.

    A band that is drawn small keeps, of each block of pixels, the value of the largest magnitude: means of
    what swings around 0 would all be grey.
    """
    values = band.detach().cpu()
    if values.is_complex():
        return pixels(strongest(values.abs().float(), dots) / scale)
    return pixels(0.5 + strongest(values.float(), dots) / (2 * scale))


def strongest(band: Tensor, dots: float) -> Tensor:
    """Of blocks of k x k pixels the value of the largest magnitude, k the least that leaves at most `dots` columns.

    Example:
        >>> strongest(torch.tensor([[[1.0, -3.0, 2.0, 0.0, 0.5]]]), 3)
        tensor([[[-3.0000,  2.0000,  0.5000]]])
    """
    side = -(-band.shape[-1] // max(1, int(dots)))
    if side == 1:
        return band
    high, low = (sign * max_pool2d(sign * band, side, ceil_mode=True) for sign in (1, -1))
    return torch.where(high >= -low, high, low)
