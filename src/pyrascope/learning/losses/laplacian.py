"""The Laplacian pyramid loss: differences weighted by how fine they are."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..._check import one_of, shorten, whole_number
from ..._typing import BoundaryMode
from ...signal import backend
from ...signal.boundary import MODES
from ...signal.gaussian import gaussian_pyramid
from ...signal.laplacian import laplacian_pyramid

Norm = Literal["l1", "l2", "charbonnier"]
Reduction = Literal["mean", "sum", "none"]

EPSILON = 1e-3
"""Difference at which "charbonnier" turns from quadratic to linear."""


def _charbonnier(difference: Tensor) -> Tensor:
    """sqrt(d^2 + e^2) - e, written so that small differences do not cancel."""
    square = difference.square()
    return square / ((square + EPSILON**2).sqrt() + EPSILON)


NORMS: dict[str, Callable[[Tensor], Tensor]] = {"l1": torch.abs, "l2": torch.square, "charbonnier": _charbonnier}
REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"mean": torch.mean, "sum": torch.sum, "none": lambda loss: loss}
WEIGHTS = (1.0, 0.5, 0.25, 0.125)


def laplacian_loss(
    prediction: Tensor,
    target: Tensor,
    levels: int = 4,
    weights: Sequence[float] = WEIGHTS,
    norm: Norm = "l1",
    reduction: Reduction = "mean",
    mode: BoundaryMode = "reflect",
    mask: Tensor | None = None,
) -> Tensor:
    """Returns the weighted sum over Laplacian bands of the mean difference of two images per band.

    The pyramid is linear, so the bands of the difference are taken: equal to the difference of the bands to
    rounding, for one pyramid instead of two. Zero where prediction and target are equal, whatever the norm.

    Args:
        prediction: Floating images (..., h, w), of any size from 1x1 up.
        target: Floating images of the same shape.
        levels: How many bands, the low-pass residual counted; the residual is the last of them.
        weights: One weight per band, fine to coarse, finite and not negative.
        norm: Of a difference d in a band: "l1" |d|; "l2" d^2; "charbonnier" sqrt(d^2 + e^2) - e with e = 1e-3.
        reduction: "none": one loss per plane, shape (...), each a weighted sum of means over the pixels of a
            band; "mean", "sum": over all planes, that is over batch and channels.
        mode: What lies beyond the border, as in `reduce`.
        mask: Weights of the pixels (..., h, w), boolean or not negative, leading axes broadcast to those of the
            images. It is reduced along with the levels, and means over pixels become weighted means, per plane;
            a plane without weight costs 0. Differences at pixels of weight 0 still reach bands of their
            neighbours, through the filter. A constant mask is not a mask.

    Returns:
        Scalar, or (...) for reduction "none", in the float type of the images, differentiable.

    Raises:
        TypeError: Images or mask that are not tensors, or images that are not floating; `levels` is not an integer, or
            `weights` are not numbers.
        ValueError: Unequal shapes, another number of weights than levels, a weight that is negative or not
            finite, a mask of another size, an unknown norm, reduction or mode.

    Example:
        >>> prediction = torch.tensor([[0.0, 0.0, 16.0, 0.0, 0.0]])
        >>> laplacian_loss(prediction, torch.zeros(1, 5), levels=2, weights=(1, 0.3))  # 25 / 5 + 0.3 * 10 / 3
        tensor(6.)

    Source:
        Bojanowski et al. 2018, "Optimizing the Latent Space of Generative Networks", section 3.2 (Lap1);
        LapLoss, arXiv 2503.05974.
    """
    checked = _check_options(levels, weights, norm, reduction, mode)
    _check_images(prediction, target, mask)
    difference = prediction - target
    bands = laplacian_pyramid(difference, levels, mode)
    shares = _shares(mask, difference, levels, mode)
    losses = [weight * _mean(band, norm, share) for weight, band, share in zip(checked, bands, shares, strict=True)]
    return REDUCTIONS[reduction](torch.stack(losses).sum(0))


def _mean(band: Tensor, norm: Norm, share: Tensor | None) -> Tensor:
    """Mean of the norm over the pixels of each plane."""
    if norm == "l1" and share is None and backend.allowed(band):
        mean: Tensor = _MeanAbsolute.apply(band)  # type: ignore[no-untyped-call]  # torch's own
        return mean
    return (NORMS[norm](band) if share is None else NORMS[norm](band) * share).mean((-2, -1))


class _MeanAbsolute(torch.autograd.Function):
    """band.abs().mean((-2, -1)) with a backward pass that makes one copy of the band, not three."""

    @staticmethod
    def forward(ctx: Any, band: Tensor) -> Tensor:
        """Returns the means."""
        ctx.save_for_backward(band)
        return band.abs().mean((-2, -1))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """Returns the sign of each sample times its share of the gradient."""
        (band,) = ctx.saved_tensors
        share: Tensor = (grad / (band.shape[-2] * band.shape[-1]))[..., None, None]
        alone = backend.takes(grad) and not torch.is_grad_enabled()  # neither batched nor differentiated again
        sign: Tensor = band.sgn()
        return sign.mul_(share) if alone else sign * share


class LaplacianLoss(nn.Module):
    """`laplacian_loss` as a module without parameters; see there for the arguments and what is guaranteed.

    Raises:
        TypeError: When made, `levels` is not an integer or `weights` are not numbers; when called, images or a mask
            that are not tensors, or images that are not floating.
        ValueError: When made, another number of weights than levels, a weight that is negative or not finite, an
            unknown norm, reduction or mode; when called, unequal shapes.

    Example:
        >>> LaplacianLoss()(torch.full((3, 8, 8), 0.75), torch.full((3, 8, 8), 0.25))  # 0.125 * 0.5
        tensor(0.0625)
    """

    def __init__(
        self,
        levels: int = 4,
        weights: Sequence[float] = WEIGHTS,
        norm: Norm = "l1",
        reduction: Reduction = "mean",
        mode: BoundaryMode = "reflect",
    ) -> None:
        super().__init__()
        self.weights = _check_options(levels, weights, norm, reduction, mode)
        self.levels, self.norm, self.reduction, self.mode = levels, norm, reduction, mode

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the loss of images (..., h, w) against targets of the same shape."""
        return laplacian_loss(prediction, target, self.levels, self.weights, self.norm, self.reduction, self.mode, mask)

    def extra_repr(self) -> str:
        """Returns the options, for `repr`."""
        return f"{self.levels}, {self.weights}, {self.norm!r}, {self.reduction!r}, {self.mode!r}"


def _shares(mask: Tensor | None, like: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor] | list[None]:
    """The mask at every level, divided by its mean per plane (0 where that is 0)."""
    if mask is None:
        return [None] * levels
    # Zeros beyond the border would make less of the border than of the interior.
    pyramid = gaussian_pyramid(mask.to(like), levels, "reflect" if mode == "constant" else mode)
    means = [level.mean((-2, -1), keepdim=True) for level in pyramid]
    return [level / torch.where(mean > 0, mean, 1.0) for level, mean in zip(pyramid, means, strict=True)]


def _check_options(levels: int, weights: Sequence[float], norm: str, reduction: str, mode: str) -> tuple[float, ...]:
    """Refuses options that mean nothing; returns the weights as floats."""
    count = whole_number(levels, "levels", 1)
    one_of(norm, "norm", NORMS)
    one_of(reduction, "reduction", REDUCTIONS)
    one_of(mode, "mode", MODES)
    try:
        given = tuple(float(weight) for weight in weights)
    except (TypeError, ValueError):
        raise TypeError(f"weights must be numbers, one per level, got {shorten(weights)}") from None
    if len(given) != count:
        raise ValueError(
            f"weights must hold one weight per level, {count} in all, got {len(given)}; "
            "give levels and weights together, fine to coarse"
        )
    if not all(math.isfinite(weight) and weight >= 0 for weight in given):
        raise ValueError(f"weights must be finite and not negative, got {shorten(given)}; 0 leaves a band out")
    return given


def _check_images(prediction: Tensor, target: Tensor, mask: Tensor | None) -> None:
    """Refuses what would broadcast, wrap around or fail far from the cause."""
    for value, name in ((prediction, "prediction"), (target, "target")):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            found = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{name} must be a floating torch tensor, got {found}; convert it to float32 first")
    shape = tuple(prediction.shape)
    if tuple(target.shape) != shape:
        raise ValueError(
            f"prediction and target must have the same shape, got {shape} and {tuple(target.shape)}; "
            "expand or crop one of them"
        )
    if mask is None:
        return
    if not isinstance(mask, Tensor):
        raise TypeError(f"mask must be a torch tensor or None, got {type(mask).__name__}")
    kept = tuple(mask.shape)
    if len(kept) < 2 or kept[-2:] != shape[-2:] or not _broadcasts(kept, shape):
        raise ValueError(f"mask must have shape {shape[-2:]} or one that broadcasts to {shape}, got {kept}")


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    pairs = zip(reversed(shape), reversed(to), strict=False)
    return len(shape) <= len(to) and all(have in (1, want) for have, want in pairs)
