"""Structural similarity of a rendered plan and its image."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


def ssim(shown: Tensor, image: Tensor) -> float:
    """Returns the mean structural similarity of `shown`, clipped to [0, 1], and `image` in [0, 1]; 1 where equal.

    A Gaussian window of 11x11 px, sigma 1.5, over the places where it fits; K1 = 0.01, K2 = 0.03, a range of 1, and
    variances of the whole window (divided by its weight, not by one less). Channels are averaged.

    Args:
        shown: Floating (c, h, w), both sides at least 11 px.
        image: Of the same shape.

    Returns:
        From -1 to 1, computed in float64.

    Raises:
        ValueError: Shapes that differ or are smaller than the window.

    Example:
        >>> round(ssim(torch.full((1, 16, 16), 0.5), torch.full((1, 16, 16), 0.25)), 4)  # means only
        0.8001

    Source: Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
        Similarity", IEEE TIP 2004, section III-C. Its example code also shrinks large images first; this does not.
    """
    if shown.shape != image.shape or image.ndim != 3 or min(image.shape[-2:]) < WINDOW:
        raise ValueError(
            f"both images must have the same shape (c, h, w), with sides of at least {WINDOW} px, "
            f"got {tuple(shown.shape)} and {tuple(image.shape)}"
        )
    x, y = shown.clamp(0, 1).double(), image.double()
    offsets = torch.arange(WINDOW, dtype=torch.float64, device=x.device) - WINDOW // 2
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    window = window / window.sum()
    maps = torch.cat([x, y, x * x, y * y, x * y])[:, None]
    maps = conv2d(conv2d(maps, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
    mean_x, mean_y, xx, yy, xy = maps[:, 0].view(5, -1, *maps.shape[-2:])
    var_x, var_y, covariance = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + K1**2) / (mean_x**2 + mean_y**2 + K1**2)
    return float((luminance * (2 * covariance + K2**2) / (var_x + var_y + K2**2)).mean())
