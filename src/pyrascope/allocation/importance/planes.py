"""Planes that maps are computed from: luminance and halvings whose samples show areas."""

import torch
from torch import Tensor

from ..ties import margin_of

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of ITU-R BT.601."""


def levelled(image: Tensor) -> Tensor:
    """Returns an image (c, h, w) minus the least value of each channel, detached; half types become float32.

    Band-pass filters do not see the difference, but a channel that is constant, to rounding of its type, becomes
    exactly zero, so that no map is made of rounding.
    """
    margin = margin_of(image.dtype)
    image = image.detach()
    image = image.float() if image.dtype in (torch.float16, torch.bfloat16) else image
    low, high = image.aminmax(dim=-1)
    low, high = low.amin(-1)[..., None, None], high.amax(-1)[..., None, None]
    flat = high - low <= margin * torch.maximum(high.abs(), low.abs())
    return (image - low) * ~flat


def luminance(image: Tensor) -> Tensor:
    """Returns (h, w): the luma of RGB, the mean of any other number of channels."""
    count = image.shape[0]
    found: Tensor = torch.tensordot(image.new_tensor(LUMA if count == 3 else [1 / count] * count), image, dims=1)
    return found


def halved(planes: Tensor) -> Tensor:
    """Returns (c, ceil(h / 2), ceil(w / 2)) by the filter (1, 3, 3, 1) / 8 along each axis; edges count for themselves.

    Samples show areas: sample k is centred between pixels 2 k and 2 k + 1, as in the sharp levels.

    Example:
        >>> halved(torch.tensor([[[0.0, 8.0, 8.0, 0.0, 8.0, 0.0]]]))
        tensor([[[4.5714, 5.0000, 3.4286]]])
    """
    h, w = planes.shape[-2:]
    even = torch.nn.functional.pad(planes, (0, w % 2 if w > 1 else 0, 0, h % 2 if h > 1 else 0), mode="replicate")
    size = (-(-h // 2), -(-w // 2))
    found: Tensor = torch.nn.functional.interpolate(even[None], size, mode="bilinear", antialias=True)[0]
    return found


def area_levels(planes: Tensor, levels: int) -> list[Tensor]:
    """Returns `planes` and its successive halvings by `halved`, `levels` in all."""
    found = [planes]
    while len(found) < levels:
        found.append(halved(found[-1]))
    return found
