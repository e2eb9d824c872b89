"""The kernels as differentiable operations. The backward pass of each is another one of them, to any order."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, is_grad_enabled
from torch.autograd import Function

from ..._typing import BoundaryMode
from ..backend import takes
from . import apply as passes
from .operators import Kind, Operator, Size


def trial(dtype: torch.dtype) -> None:
    """Compiles all kernels for `dtype`, which raises where Numba does not work."""
    x = torch.zeros(3, 3, dtype=dtype)
    reconstruct(laplacian(x, 2, "reflect"), "reflect")
    linear(x, Operator("expand", False, (6, 6), "reflect"))
    for kind in (torch.uint8, torch.uint16):
        scaled(torch.zeros(3, 3, dtype=kind), 255)


def reduce(x: Tensor, mode: BoundaryMode) -> Tensor:
    """`reduce` of a CPU tensor (..., h, w) of float32 or float64."""
    return linear(x, Operator("reduce", True, _size(x), mode))


def expand(x: Tensor, size: Size, mode: BoundaryMode) -> Tensor:
    """`expand` of a CPU tensor (..., h, w) of float32 or float64."""
    return linear(x, Operator("expand", False, size, mode))


def gaussian(x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
    """Returns the successive reductions of `x`, `levels` of them, at least one."""
    return descend(x, levels, mode, "reduce") if _differentiated(x) else passes.descend(x, levels, mode)


def reconstruct(bands: Sequence[Tensor], mode: BoundaryMode) -> Tensor:
    """Returns the image of Laplacian `bands`, fine to coarse and at least two, the residual last."""
    return ascend(bands[0], bands[1:], _size(bands[0]), mode, "expand")


def scaled(x: Tensor, full: int) -> Tensor:
    """Returns unsigned integers on the CPU as float32, divided by `full`."""
    return passes.scaled(x, full)


def linear(x: Tensor, operator: Operator) -> Tensor:
    """Returns `operator` of `x`."""
    if not takes(x):
        return operator.in_torch(x)
    if _differentiated(x):
        result: Tensor = Linear.apply(x, operator)  # type: ignore[no-untyped-call]  # torch's own
        return result
    return passes.apply(operator, x)


def descend(x: Tensor, levels: int, mode: BoundaryMode, kind: Kind) -> list[Tensor]:
    """Returns `levels` coarser levels of `x`, at least one, each `kind` downwards of the one before."""
    if not takes(x):
        found = [x]
        for _ in range(levels):
            found.append(Operator(kind, True, _size(found[-1]), mode).in_torch(found[-1]))
        return found[1:]
    if _differentiated(x):
        return list(Descend.apply(x, levels, mode, kind))  # type: ignore[no-untyped-call]  # torch's own
    return passes.descend(x, levels, mode, kind)


def ascend(base: Tensor | None, bands: Sequence[Tensor], size: Size, mode: BoundaryMode, kind: Kind) -> Tensor:
    """Returns `base` (None: zeros), of `size`, plus the coarser `bands`, at least one, each brought up by `kind`."""
    given = [band for band in (base, *bands) if band is not None]
    if not all(map(takes, given)):
        image = bands[-1]
        for ground, fine in zip([*bands[-2::-1], base], [*map(_size, bands[-2::-1]), size], strict=True):
            image = Operator(kind, False, fine, mode).in_torch(image)
            image = image if ground is None else ground + image
        return image
    if _differentiated(*given):
        result: Tensor = Ascend.apply(size, mode, kind, base, *bands)  # type: ignore[no-untyped-call]  # torch's own
        return result
    return passes.ascend(base, bands, size, mode, kind)


def laplacian(x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
    """Returns `levels` Laplacian bands of `x`, at least one, and the residual."""
    if not takes(x):
        bands = [x, *descend(x, levels, mode, "reduce")]
        for level, (fine, coarse) in enumerate(pairwise(tuple(bands))):
            bands[level] = fine - Operator("expand", False, _size(fine), mode).in_torch(coarse)
        return bands
    if _differentiated(x):
        return list(Laplacian.apply(x, levels, mode))  # type: ignore[no-untyped-call]  # torch's own
    return passes.laplacian(x, levels, mode)


def laplacian_adjoint(bands: Sequence[Tensor], mode: BoundaryMode) -> Tensor:
    """Returns the adjoint of `laplacian` of so many bands."""
    if not all(map(takes, bands)):
        image = bands[-1]
        for band in bands[-2::-1]:
            image = image - Operator("expand", True, _size(band), mode).in_torch(band)
            image = band + Operator("reduce", False, _size(band), mode).in_torch(image)
        return image
    if _differentiated(*bands):
        result: Tensor = LaplacianAdjoint.apply(mode, *bands)  # type: ignore[no-untyped-call]  # torch's own
        return result
    return passes.laplacian_adjoint(bands, mode)


class Linear(Function):
    """One operator; its gradient is the adjoint."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: Operator) -> Tensor:
        """Applies the operator."""
        ctx.operator = operator
        return passes.apply(operator, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Applies the adjoint."""
        return linear(grad, ctx.operator.adjoint), None


class Descend(Function):
    """Successive downward operators; the adjoint ascends without a base."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, levels: int, mode: BoundaryMode, kind: Kind) -> tuple[Tensor, ...]:
        """Descends."""
        ctx.options = _size(x), mode, kind
        return tuple(passes.descend(x, levels, mode, kind))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        """Ascends."""
        return ascend(None, grads, *ctx.options), None, None, None


class Ascend(Function):
    """Successive upward operators; the adjoint descends, and hands its argument to the base."""

    @staticmethod
    def forward(ctx: Any, size: Size, mode: BoundaryMode, kind: Kind, base: Tensor | None, *bands: Tensor) -> Tensor:
        """Ascends."""
        ctx.options = len(bands), mode, kind
        return passes.ascend(base, bands, size, mode, kind)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Descends."""
        needed = ctx.needs_input_grad[3:]
        coarse = descend(grad, *ctx.options) if any(needed[1:]) else [None] * ctx.options[0]
        return None, None, None, grad if needed[0] else None, *coarse


class Laplacian(Function):
    """All bands at once."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, levels: int, mode: BoundaryMode) -> tuple[Tensor, ...]:
        """Splits."""
        ctx.mode = mode
        return tuple(passes.laplacian(x, levels, mode))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Joins as the adjoint does."""
        return laplacian_adjoint(grads, ctx.mode), None, None


class LaplacianAdjoint(Function):
    """The adjoint of `Laplacian`, of which `Laplacian` is the adjoint."""

    @staticmethod
    def forward(ctx: Any, mode: BoundaryMode, *bands: Tensor) -> Tensor:
        """Joins as the adjoint does."""
        ctx.options = len(bands) - 1, mode
        return passes.laplacian_adjoint(bands, mode)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Splits."""
        return None, *laplacian(grad, *ctx.options)


def _differentiated(*tensors: Tensor) -> bool:
    return is_grad_enabled() and any(x.requires_grad for x in tensors)


def _size(x: Tensor) -> Size:
    return x.shape[-2], x.shape[-1]
