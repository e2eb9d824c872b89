"""How near a rendered plan is to its image."""

import math

from torch import Tensor


def psnr(shown: Tensor, image: Tensor) -> float:
    """Returns the peak signal-to-noise ratio in dB of `shown`, clipped to [0, 1], against `image` in [0, 1].

    Infinite where both are equal.

    Example:
        >>> import torch
        >>> round(psnr(torch.full((3, 4, 4), 0.75), torch.full((3, 4, 4), 0.5)), 3)
        12.041
    """
    error = (shown.clamp(0, 1).double() - image.double()).square().mean().item()
    return math.inf if error == 0 else -10 * math.log10(error)
