"""The three places where visual tokens can be saved, and which of them a method belongs to."""

import inspect
from collections.abc import Iterable
from typing import Any

from .._check import shorten

PIXELS, FEATURES, LAYERS = "pixels", "features", "layers"
SITES = (PIXELS, FEATURES, LAYERS)
OPTIONS = {
    PIXELS: ("share", "positions", "finest", "sized", "weights"),
    FEATURES: ("share", "positions"),
    LAYERS: ("share",),
}
"""What `attach` and `prepare` can be told beside method and budget, by site."""


def site_of(method: Any) -> str:
    """Returns the site of a method: an allocator takes scenes, a dropper has a schedule, all else is a reducer.

    Raises:
        TypeError: nothing that can be called, or a class instead of one of its instances.

    Example:
        >>> from pyrascope import methods, reducers
        >>> site_of(methods.Foveated()), site_of(reducers.DivPrune())
        ('pixels', 'features')
    """
    expected = "method must be one of ps.methods (pixels), ps.reducers (features) or ps.droppers (layers)"
    if isinstance(method, type):
        raise TypeError(f"{expected}, got the class {method.__name__}; make one: {method.__name__}()")
    if hasattr(method, "schedule"):
        return LAYERS
    if not callable(method):
        raise TypeError(f"{expected}, got {shorten(method)}")
    return PIXELS if next(iter(inspect.signature(method).parameters), None) == "scenes" else FEATURES


def check_options(site: str, names: Iterable[str]) -> None:
    """Refuses options that methods of a site do not have.

    Raises:
        TypeError: the message names those that they have.
    """
    unknown = sorted(set(names) - set(OPTIONS[site]))
    if unknown:
        raise TypeError(
            f"options of a method at the {site} site must be of {', '.join(OPTIONS[site])}, got {', '.join(unknown)}; "
            "leave it out"
        )
