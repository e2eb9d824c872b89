"""Which code runs: compiled kernels on the CPU, or torch operations, which run everywhere. All kernels are loaded here.

Kernels take CPU tensors of float32 and float64 (and uint8 and uint16, to scale them), of `SMALLEST` samples or more,
with or without gradients of any order. All else is torch's: other devices, what `torch.compile` traces, `torch.func`
transforms, forward-mode gradients. Half types are computed in float32 either way. Both agree to rounding.

The first use in a process loads Numba (about a second), and the first one of an installation compiles (five to ten
seconds a type), after which the result is kept on disk. The number of threads is torch's, and changes no bit.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, Protocol, cast, get_args

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .._check import one_of, shorten
from .._typing import BoundaryMode
from .kernels.compiled import forget_kept, unkept

Backend = Literal["auto", "numba", "torch"]

SMALLEST = 1 << 14  # samples below which loading Numba is not worth it

_failures: list[str] = []
_unkept_is_said: list[bool] = []
FLOATS = (torch.float32, torch.float64)
PYRAMIDS = "pyrascope.signal.kernels.autograd"

_chosen: ContextVar[Backend] = ContextVar("pyrascope_backend", default="auto")


class Kernels(Protocol):
    """What `kernels.autograd` offers."""

    def reduce(self, x: Tensor, mode: BoundaryMode) -> Tensor:
        """Halves."""

    def expand(self, x: Tensor, size: tuple[int, int], mode: BoundaryMode) -> Tensor:
        """Doubles."""

    def gaussian(self, x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
        """Halves so many times."""

    def laplacian(self, x: Tensor, levels: int, mode: BoundaryMode) -> list[Tensor]:
        """Halves so many times, and subtracts what each half shows."""

    def reconstruct(self, bands: Sequence[Tensor], mode: BoundaryMode) -> Tensor:
        """Doubles and adds."""

    def scaled(self, x: Tensor, full: int) -> Tensor:
        """Divides integers, in one pass."""


@contextmanager
def use(backend: Backend) -> Iterator[None]:
    """Chooses the backend of pyramids and the planner's distortions in a `with` block, for this thread or task only.

    Args:
        backend: "numba" (kernels at every size, where they can be used at all), "torch" or "auto" (the default).

    Raises:
        ValueError: Another name.

    Example:
        >>> from pyrascope import reduce
        >>> with use("torch"):
        ...     reduce(torch.tensor([[0.0, 0.0, 16.0, 0.0, 0.0]]))
        tensor([[2., 6., 2.]])
    """
    one_of(backend, "backend", get_args(Backend))
    token = _chosen.set(backend)
    try:
        yield
    finally:
        _chosen.reset(token)


def kernels(x: Tensor, samples: int, dtypes: tuple[torch.dtype, ...] = FLOATS) -> Kernels | None:
    """Returns the pyramids' kernels if they are to be used for `x`, an image of `samples`, else None."""
    if not allowed(x, dtypes) or (_chosen.get() == "auto" and samples < SMALLEST):
        return None
    return cast(Kernels | None, loaded(PYRAMIDS, x.dtype if x.dtype in FLOATS else torch.float32))


def usable(name: str, image: Tensor) -> ModuleType | None:
    """Returns the compiled module `name` if it can take `image` as it is: plain CPU memory, no gradient; else None."""
    if not allowed(image) or (image.requires_grad and torch.is_grad_enabled()):
        return None
    return loaded(name)


def allowed(x: Tensor, dtypes: tuple[torch.dtype, ...] = FLOATS) -> bool:
    """Returns whether kernels may be used for `x`: they can read it, and neither a trace nor `use` forbids it."""
    if torch.compiler.is_compiling():  # before all else: the compiler need not see the rest
        return False
    return _chosen.get() != "torch" and takes(x, dtypes)


def takes(x: Tensor, dtypes: tuple[torch.dtype, ...] = FLOATS) -> bool:
    """Returns whether the kernels can read `x`: plain memory of the CPU, under no transform or trace."""
    return (
        type(x) in (Tensor, torch.nn.Parameter)
        and x.dtype in dtypes
        and x.is_cpu
        and x.layout is torch.strided
        and not torch._C._functorch.is_functorch_wrapped_tensor(x)  # vmap, grad, jvp; torch has no public name for it
        and not torch._C._functorch.is_legacy_batchedtensor(x)  # autograd.grad(is_grads_batched=True)
        and (forward_ad._current_level < 0 or forward_ad.unpack_dual(x).tangent is None)  # type: ignore[no-untyped-call]
        and torch._C._get_tracing_state() is None
    )


@cache
def loaded(name: str, *trial: Any) -> ModuleType | None:
    """Returns the compiled module `name`, tried with `trial`; None, with one warning a process, where Numba fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Numba's own, while it imports and compiles
            module = import_module(name)
            try:
                module.trial(*trial)
            except Exception:  # as a file of kept code that is damaged has it; whatever else it is comes again
                forget_kept()
                module.trial(*trial)
    except Exception as error:  # Numba raises errors of many kinds where its compiler is broken
        if not _failures:
            _failures.append(repr(error))
            warnings.warn(
                f"Numba does not work here ({shorten(error, 200)}), so plain torch operations run, with the same "
                'results but slower; install numba, or use pyrascope.signal.backend.use("torch")',
                RuntimeWarning,
                stacklevel=3,
            )
        return None
    if unkept and not _unkept_is_said:
        _unkept_is_said.append(True)
        warnings.warn(
            "compiled code cannot be kept here, so every process takes seconds to compile it anew; set NUMBA_CACHE_DIR "
            "to a folder that can be written to",
            RuntimeWarning,
            stacklevel=3,
        )
    return module
