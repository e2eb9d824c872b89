"""The Laplacian pyramid: what each reduction of an image loses, and the image back from it."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from .._check import one_of
from .._typing import BoundaryMode
from . import backend
from .arrays import Array, from_planes, spatial_axes, to_planes
from .boundary import MODES
from .filters import coarser, expand_planes
from .gaussian import depth, descend


def laplacian_pyramid(
    x: Array, levels: int | None = None, mode: BoundaryMode = "reflect", channel_axis: int | None = None
) -> list[Array]:
    """Returns the band-pass bands of an image, fine to coarse; the last one is the low-pass residual.

    Each band is a Gaussian level minus the expansion of the next, so `laplacian_reconstruct` with the same
    mode gives the image back to rounding, at every size. With one level the only band is the image, which shares
    memory with `x` as level 0 of `gaussian_pyramid` does. On a CPU a build takes no memory but that of its bands.

    Args:
        x: Image (..., h, w), or with channels on `channel_axis`; types as in `reduce`.
        levels: How many bands, the residual counted, at least 1; None: until the shorter side is below 16.
        mode: What lies beyond the border, as in `reduce`.
        channel_axis: The axis of channels; None: rows and columns are the last two axes.

    Returns:
        List of `levels` bands with the shapes of `gaussian_pyramid`, NumPy for NumPy and torch for torch.

    Raises:
        TypeError: `x` is neither a tensor nor an array, or holds bool, complex or other integers; `levels` is not an
            integer.
        ValueError: Fewer than two spatial axes, an empty one, or an unknown mode; `levels` is below 1.

    Example:
        >>> import torch
        >>> laplacian_pyramid(torch.tensor([[0.0, 0.0, 16.0, 0.0, 0.0]]), levels=2)
        [tensor([[-3., -4., 11., -4., -3.]]), tensor([[2., 6., 2.]])]

    Source:
        Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code", eq. 3.
    """
    one_of(mode, "mode", MODES)
    bands = _split(to_planes(x, channel_axis), levels, mode)
    return [from_planes(band, x, channel_axis) for band in bands]


def laplacian_reconstruct(
    bands: Sequence[Array], mode: BoundaryMode = "reflect", channel_axis: int | None = None
) -> Array:
    """Returns the image of which `bands` is the Laplacian pyramid: the exact inverse, to rounding.

    For an image in [0, 1] the error is at most 1e-6 in float32 and 1e-13 in float64, whatever its size. The
    bands may have been changed in between; the result is linear in them. A single band is returned as it is.

    Args:
        bands: Bands fine to coarse, the low-pass residual last, as `laplacian_pyramid` returns them.
        mode: The mode with which the pyramid was made.
        channel_axis: The `channel_axis` with which the pyramid was made.

    Returns:
        Image with the shape of `bands[0]`, NumPy for NumPy and torch for torch.

    Raises:
        TypeError: `bands` is not a list or tuple, mixes NumPy and torch, or holds what `reduce` refuses.
        ValueError: No bands, a level that is not the half of the finer one, or an unknown mode.

    Example:
        >>> import torch
        >>> detail, residual = torch.tensor([[-3.0, -4.0, 11.0, -4.0, -3.0]]), torch.tensor([[2.0, 6.0, 2.0]])
        >>> laplacian_reconstruct([detail, residual])
        tensor([[ 0.,  0., 16.,  0.,  0.]])

    Source:
        Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code", eq. 4.
    """
    one_of(mode, "mode", MODES)
    _check_bands(bands)
    planes = [to_planes(band, channel_axis) for band in bands]
    _check_shapes(bands, channel_axis)
    image = _join(planes, mode)
    return from_planes(image, bands[0], channel_axis)


def _check_bands(bands: object) -> None:
    """Refuses what is not a list of one kind of array."""
    if not isinstance(bands, list | tuple):
        raise TypeError(
            f"bands must be a list of bands, fine to coarse, got {type(bands).__name__}; "
            "give what laplacian_pyramid returned"
        )
    if not bands:
        raise ValueError("bands must hold at least one band, got none; give what laplacian_pyramid returned")
    for level, band in enumerate(bands):
        if isinstance(band, Tensor) != isinstance(bands[0], Tensor):
            raise TypeError(
                f"bands must all be tensors or all be arrays, got {type(bands[0]).__name__} at level 0 and "
                f"{type(band).__name__} at level {level}; convert them to one kind"
            )


def _check_shapes(bands: Sequence[Array], channel_axis: int | None) -> None:
    """Refuses bands that do not halve from level to level, which would broadcast or fail far from the cause."""
    for level, (fine, coarse) in enumerate(pairwise(bands), start=1):
        axes = spatial_axes(fine.shape, channel_axis)
        expected = tuple(coarser(n) if axis in axes else n for axis, n in enumerate(fine.shape))
        if tuple(coarse.shape) != expected:
            raise ValueError(
                f"bands must halve from level to level: level {level} must have shape {expected}, got "
                f"{tuple(coarse.shape)}; give the bands of one laplacian_pyramid, fine to coarse"
            )


def _split(planes: Tensor, levels: int | None, mode: BoundaryMode) -> list[Tensor]:
    """`laplacian_pyramid` of a float tensor (..., h, w)."""
    count = depth(planes, levels)
    kernels = backend.kernels(planes, planes.numel())
    if kernels is not None and count > 1:
        return kernels.laplacian(planes, count - 1, mode)
    gaussian = descend(planes, count, mode)
    return [fine - expand_planes(coarse, _size(fine), mode) for fine, coarse in pairwise(gaussian)] + gaussian[-1:]


def _join(bands: list[Tensor], mode: BoundaryMode) -> Tensor:
    """`laplacian_reconstruct` of float tensors (..., h, w)."""
    kernels = backend.kernels(bands[0], bands[0].numel())
    # Bands of which one is unlike the others, in type or under a transform, are torch's business.
    alike = len(bands) > 1 and all(band.dtype == bands[0].dtype for band in bands)
    if kernels is not None and alike and all(map(backend.takes, bands)):
        return kernels.reconstruct(bands, mode)
    image = bands[-1]
    for band in bands[-2::-1]:
        image = band + expand_planes(image, _size(band), mode)
    return image


def _size(planes: Tensor) -> tuple[int, int]:
    return planes.shape[-2], planes.shape[-1]
