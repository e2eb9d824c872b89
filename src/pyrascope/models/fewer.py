"""The one switch between the pixels and the features site."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..allocation.contracts.reducer import Reduction
from ..allocation.plan import Plan
from .families.adapter import sized_of
from .features.site import Inputs, reduced_inputs
from .host import Host
from .options import PixelOptions
from .pixels.remember import remembering
from .pixels.site import planned_inputs
from .sites import PIXELS, site_of

Smaller = Callable[[dict[str, Any]], dict[str, Any]]
DEFAULTS = PixelOptions()


def with_fewer_tokens(
    host: Host,
    inputs: Mapping[str, Any],
    method: Any,
    budget: Any,
    *,
    images: Any = None,
    options: PixelOptions = DEFAULTS,
) -> tuple[Inputs, Sequence[Plan] | Sequence[Reduction]]:
    """Returns what `plan_inputs` or `reduce_inputs` makes of inputs that a processor has made, by the method's site."""
    if site_of(method) == PIXELS:
        return planned_inputs(host, inputs, method, budget, images, options)
    return reduced_inputs(host, inputs, method, budget, options)


@contextmanager
def smaller_inputs(host: Host, method: Any, budget: Any, options: PixelOptions) -> Iterator[Smaller]:
    """Yields the function that makes the inputs of a call smaller, while the processor remembers its images.

    Raises:
        TypeError, ValueError, NotImplementedError: the method, an option or the model's tower is not served.
    """
    if site_of(method) != PIXELS:
        yield lambda inputs: with_fewer_tokens(host, inputs, method, budget, options=options)[0]
        return
    sized_of(host.model, options.sized)
    with remembering(host.processor) as memory:
        told = False

        def smaller(inputs: dict[str, Any]) -> dict[str, Any]:
            nonlocal told
            images = memory.find(inputs)
            if images is None and not told:
                told = True
                warnings.warn(
                    "plans are made on the pixel_values that arrive, since their source images are not known; make "
                    "the inputs inside the block, with the processor that attach is given",
                    stacklevel=3,
                )
            return with_fewer_tokens(host, inputs, method, budget, images=images, options=options)[0]

        yield smaller
