"""The kernels as differentiable operations: each backward pass is again one of them, to any order."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, is_grad_enabled
from torch.autograd import Function

from ..._typing import BoundaryMode
from ..backend import takes
from . import apply as passes_over
from .apply import apply
from .operators import Operator


def reduce(x: Tensor, mode: BoundaryMode) -> Tensor:
    """`reduce` of a CPU tensor (..., h, w) of float32 or float64."""
    return linear(x, Operator("reduce", True, _size(x), mode))


def expand(x: Tensor, size: tuple[int, int], mode: BoundaryMode) -> Tensor:
    """`expand` of a CPU tensor (..., h, w) of float32 or float64."""
    return linear(x, Operator("expand", False, size, mode))


def gaussian(x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
    """Returns the successive reductions of `x`, `levels` of them."""
    if not _differentiated(x):
        return passes_over.gaussian(x, levels, mode)
    pyramid = [x]
    for _ in range(levels):
        pyramid.append(reduce(pyramid[-1], mode))
    return pyramid[1:]


def laplacian(x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
    """Returns `levels` Laplacian bands of `x`, at least one, and the residual."""
    if not _differentiated(x):
        return passes_over.laplacian(x, levels, mode)
    bands = [x]
    for _ in range(levels):
        bands[-1:] = Split.apply(bands[-1], mode)  # type: ignore[no-untyped-call]  # torch's own
    return bands


def reconstruct(bands: Sequence[Tensor], mode: BoundaryMode) -> Tensor:
    """Returns the image of Laplacian `bands`, fine to coarse and at least two, the residual last."""
    if not _differentiated(*bands):
        return passes_over.reconstruct(bands, mode)
    image = bands[-1]
    for band in bands[-2::-1]:
        image = onto(band, image, Operator("expand", False, _size(band), mode), 1.0)
    return image


def linear(x: Tensor, operator: Operator) -> Tensor:
    """Returns `operator` of `x`."""
    if not takes(x):
        return operator.in_torch(x)
    if _differentiated(x):
        result: Tensor = Linear.apply(x, operator)  # type: ignore[no-untyped-call]  # torch's own
        return result
    return apply(operator, x)


def onto(base: Tensor, x: Tensor, operator: Operator, sign: float) -> Tensor:
    """Returns `base` plus `sign` times `operator` of `x`, for an operator from coarse to fine."""
    if not (takes(x) and takes(base)):
        return base + sign * operator.in_torch(x)
    if _differentiated(base, x):
        result: Tensor = Onto.apply(base, x, operator, sign)  # type: ignore[no-untyped-call]  # torch's own
        return result
    return apply(operator, x, base, sign)


class Linear(Function):
    """One operator; its gradient is the adjoint."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: Operator) -> Tensor:
        """Applies the operator."""
        ctx.operator = operator
        return apply(operator, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Applies the adjoint."""
        return linear(grad, ctx.operator.adjoint), None


class Onto(Function):
    """A base plus an operator of something coarser."""

    @staticmethod
    def forward(ctx: Any, base: Tensor, x: Tensor, operator: Operator, sign: float) -> Tensor:
        """Adds in the pass that expands."""
        ctx.operator, ctx.sign = operator, sign
        return apply(operator, x, base, sign)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Passes the gradient on to the base, and its adjoint to what was expanded."""
        lost = linear(grad, ctx.operator.adjoint) * ctx.sign if ctx.needs_input_grad[1] else None
        return grad, lost, None, None


class Split(Function):
    """One step of the Laplacian pyramid: coarse = R x, band = x - E coarse."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mode: BoundaryMode) -> tuple[Tensor, Tensor]:
        """Returns band and coarse, made in one pass."""
        ctx.size, ctx.mode = _size(x), mode
        band, coarse = passes_over.laplacian(x, 1, mode)
        return band, coarse

    @staticmethod
    def backward(ctx: Any, band: Tensor, coarse: Tensor) -> tuple[Tensor, None]:
        """R^T (coarse - E^T band) + band."""
        reducing, expanding = (
            Operator("reduce", True, ctx.size, ctx.mode),
            Operator("expand", False, ctx.size, ctx.mode),
        )
        return onto(band, coarse - linear(band, expanding.adjoint), reducing.adjoint, 1.0), None


def _differentiated(*tensors: Tensor) -> bool:
    return is_grad_enabled() and any(x.requires_grad for x in tensors)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]
