"""What `attach` does to the inputs of a call, by the site of its method."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .._check import one_of
from ..allocation.contracts.reducer import Reduction
from ..allocation.plan import Plan
from .budgets import SHARES
from .families.adapter import sized_of
from .features.site import Inputs, reduce_inputs
from .pixels.remember import remembering
from .pixels.site import PixelOptions, plan_inputs
from .prompts.shrink import ORIGINAL, POSITIONS
from .sites import PIXELS, site_of

Smaller = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def smaller_inputs(model: Any, method: Any, budget: Any, processor: Any, options: dict[str, Any]) -> Iterator[Smaller]:
    """Yields the function that makes the inputs of a call smaller, while the processor remembers its images.

    Raises:
        TypeError, ValueError, NotImplementedError: the method, an option or the model's tower is not served.
    """
    if site_of(method) != PIXELS:
        one_of(options.get("share", "image"), "share", SHARES)
        one_of(options.get("positions", ORIGINAL), "positions", POSITIONS)
        yield lambda inputs: reduce_inputs(model, inputs, method, budget, processor=processor, **options)[0]
        return
    sized_of(model, PixelOptions(**options).sized)
    with remembering(processor) as memory:
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
            return plan_inputs(model, inputs, method, budget, processor=processor, images=images, **options)[0]

        yield smaller


def with_fewer_tokens(
    model: Any,
    inputs: Mapping[str, Any],
    method: Any,
    budget: Any,
    *,
    processor: Any = None,
    images: Any = None,
    **options: Any,
) -> tuple[Inputs, list[Plan] | list[Reduction]]:
    """Returns what `plan_inputs` or `reduce_inputs` makes of inputs that a processor has made, by the method's site."""
    if site_of(method) == PIXELS:
        return plan_inputs(model, inputs, method, budget, processor=processor, images=images, **options)
    return reduce_inputs(model, inputs, method, budget, processor=processor, **options)
