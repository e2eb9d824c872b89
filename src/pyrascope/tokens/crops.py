"""Crops of an image as a plan's export names them."""

from collections.abc import Sequence

from torch import Tensor

from ..allocation.export.crops import Crop
from ..signal.resample import resize


def cut_crops(image: Tensor, crops: Sequence[Crop]) -> list[Tensor]:
    """Returns the images (c, *crop.size) of the crops, resampled sharply and without aliasing (Lanczos-3).

    A crop of the size of its box is the image's own pixels, bit for bit. Differentiable in the image.

    Args:
        image: Floating (c, h, w).
        crops: From `Plan.crops`, for an image of this size.

    Raises:
        ValueError: a crop reaches beyond the image.

    Example:
        >>> import torch
        >>> cut_crops(torch.arange(16.0).reshape(1, 4, 4), [Crop((1, 2, 3, 4), (2, 2), 1)])
        [tensor([[[ 6.,  7.],
                 [10., 11.]]])]
    """
    height, width = image.shape[-2:]
    out = []
    for crop in crops:
        y0, x0, y1, x1 = crop.box
        if not (0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width):
            raise ValueError(
                f"crops must lie within the {height}x{width} image, got the box {crop.box}; take the crops of a plan "
                "for this image"
            )
        out.append(resize(image[:, y0:y1, x0:x1], crop.size))
    return out
