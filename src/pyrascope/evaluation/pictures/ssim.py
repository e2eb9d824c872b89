"""Structural similarity of a rendered plan and its image."""

import torch
from torch import Tensor

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
    maps = _windowed(torch.cat([x, y, x * x, y * y, x * y])).unflatten(0, (5, len(x)))  # type: ignore[no-untyped-call]
    mean_x, mean_y, xx, yy, xy = maps
    var_x, var_y, covariance = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + K1**2) / (mean_x**2 + mean_y**2 + K1**2)
    return float((luminance * (2 * covariance + K2**2) / (var_x + var_y + K2**2)).mean())


def _windowed(maps: Tensor) -> Tensor:
    """Means of maps (n, h, w) under the window at each place where it fits."""
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    shares = (window / window.sum()).tolist()
    for axis in (1, 2):
        places = maps.shape[axis] - WINDOW + 1
        mean = torch.zeros_like(maps.narrow(axis, 0, places))
        for k, share in enumerate(shares):  # faster than a convolution in float64
            mean.add_(maps.narrow(axis, k, places), alpha=share)
        maps = mean
    return maps
