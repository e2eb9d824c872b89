"""The one switch between the pixels and the features site."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..allocation.contracts.reducer import Reduction
from ..allocation.plan import Plan
from .families.adapter import sized_of
from .features.site import Inputs, reduced_inputs
from .held import Held, tokens_of_prompts
from .host import Host
from .options import PixelOptions
from .pixels.remember import remembering
from .pixels.site import planned_inputs
from .sites import PIXELS, site_of

Smaller = Callable[[dict[str, Any]], dict[str, Any]]
DEFAULTS = PixelOptions()


def first_of(budget: Any) -> Any:
    """Returns the budget of the site before the layers; `(a, b)` sets that of a dropper too."""
    return budget[0] if isinstance(budget, tuple) else budget


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
        return planned_inputs(host, inputs, method, budget, images, options)[:2]
    return reduced_inputs(host, inputs, method, budget, options)


@contextmanager
def smaller_inputs(host: Host, method: Any, held: Held, options: PixelOptions) -> Iterator[Smaller]:
    """Yields the function that makes the inputs of a call smaller, while the processor remembers its images.

    Raises:
        TypeError, ValueError, NotImplementedError: the method, an option or the model's tower is not served.
    """
    if site_of(method) != PIXELS:

        def reduced(inputs: dict[str, Any]) -> dict[str, Any]:
            short, found = reduced_inputs(host, inputs, method, first_of(held.budget), options)
            held.note(host.model, [], [reduction.kept for reduction in found], tokens_of_prompts(host.model, short))
            return short

        yield reduced
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
            short, plans, kept = planned_inputs(host, inputs, method, first_of(held.budget), images, options)
            held.note(host.model, plans, kept, tokens_of_prompts(host.model, short))
            return short

        yield smaller
