"""Planes that maps are computed from: luminance, halvings whose samples show areas, mirrored margins."""

import torch
from torch import Tensor

from ...signal.boundary import mirror

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of ITU-R BT.601."""


def levelled(image: Tensor) -> Tensor:
    """Returns an image (c, h, w) minus the least value of each channel, detached; half types become float32.

    Band-pass filters do not see the difference, but a constant image becomes exactly zero, so that no map is made of
    rounding.
    """
    image = image.detach()
    image = image.float() if image.dtype in (torch.float16, torch.bfloat16) else image
    return image - image.amin((-2, -1), keepdim=True)


def luminance(image: Tensor) -> Tensor:
    """Returns (h, w): the luma of RGB, the mean of any other number of channels."""
    if image.shape[0] != 3:
        return image.mean(0)
    return torch.tensordot(image.new_tensor(LUMA), image, dims=1)


def halved(planes: Tensor) -> Tensor:
    """Returns (..., ceil(h / 2), ceil(w / 2)) by the filter (1, 3, 3, 1) / 8 along each axis; edges are repeated.

    Samples show areas: sample k is centred between pixels 2 k and 2 k + 1, as in the sharp levels.

    Example:
        >>> halved(torch.tensor([[0.0, 8.0, 0.0, 0.0]]))
        tensor([[3., 1.]])
    """
    for axis in (-2, -1):
        size = planes.shape[axis]
        if size > 1:
            first = torch.arange(0, size, 2, device=planes.device)
            a, b, c, d = (planes.index_select(axis, (first + k).clamp(0, size - 1)) for k in (-1, 0, 1, 2))
            planes = (a + 3 * (b + c) + d) / 8
    return planes


def area_levels(planes: Tensor, levels: int) -> list[Tensor]:
    """Returns `planes` and its successive halvings by `halved`, `levels` in all."""
    found = [planes]
    while len(found) < levels:
        found.append(halved(found[-1]))
    return found


def mirrored(planes: Tensor, before: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Returns (..., *size): `planes` with `before` rows and columns of its mirror image in front and the rest behind."""
    for axis, first, count in zip((-2, -1), before, size, strict=True):
        n = planes.shape[axis]
        index = torch.tensor([mirror(i, n) for i in range(-first, count - first)], device=planes.device)
        planes = planes.index_select(axis, index)
    return planes
