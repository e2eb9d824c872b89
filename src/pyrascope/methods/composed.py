"""Two sites at once: fewer tokens before the language model, and fewer still between its layers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from .._check import shorten
from ..allocation.contracts.allocator import Allocator
from ..allocation.contracts.dropper import Dropper
from ..allocation.contracts.reducer import Reducer
from ..allocation.contracts.site import FEATURES, LAYERS, PIXELS, Site


@dataclass(frozen=True)
class Composed:
    """A method of the pixels or features site, and a dropper for what it leaves; see `compose`."""

    site: ClassVar[Site] = LAYERS
    first: Allocator | Reducer
    dropper: Dropper

    def budgets(self, budget: Any) -> tuple[Any, Any]:
        """Returns the budget of each: a pair sets both, anything else is that of the first."""
        return budget if isinstance(budget, tuple) and len(budget) == 2 else (budget, None)


def compose(first: Allocator | Reducer, dropper: Dropper) -> Composed:
    """Returns both as one method for `attach`.

    Within the block a budget is that of `first`, and the dropper keeps its own schedule; `budget=(a, b)` sets both.

    Args:
        first: A method of `ps.methods` or `ps.reducers`.
        dropper: A method of `ps.droppers`.

    Raises:
        TypeError: one of the two is of another site.

    Example:
        >>> from pyrascope import droppers, reducers
        >>> compose(reducers.DivPrune(), droppers.PyramidDrop()).dropper
        PyramidDrop(ratio=0.5, after=None)
    """
    if getattr(first, "site", None) not in (PIXELS, FEATURES) or isinstance(first, type):
        raise TypeError(f"the first of two composed methods must be an allocator or a reducer, got {shorten(first)}")
    if getattr(dropper, "site", None) != LAYERS or isinstance(dropper, type | Composed):
        raise TypeError(f"the second of two composed methods must be a dropper, got {shorten(dropper)}")
    return Composed(first, dropper)
