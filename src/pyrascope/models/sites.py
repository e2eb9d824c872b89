"""Which of the three sites a method belongs to."""

import inspect
import warnings
from typing import Any

from .._check import shorten
from .._moved import names_of
from ..allocation.contracts.site import FEATURES, LAYERS, PIXELS, SITES, Site

__all__ = ["FEATURES", "LAYERS", "PIXELS", "SITES", "Site", "check_site", "site_of"]

KINDS: dict[Site, str] = {PIXELS: "an allocator", FEATURES: "a reducer", LAYERS: "a dropper"}
"""What a method of each site is called."""


def site_of(method: Any) -> Site:
    """Returns the site of a method, as its attribute `site` says.

    A callable of your own without that attribute is still recognised by the name of its first parameter, with a
    DeprecationWarning.

    Raises:
        TypeError: `method` is not a method, or is a class instead of one of its instances.

    Example:
        >>> from pyrascope import methods, reducers
        >>> site_of(methods.Foveated()), site_of(reducers.DivPrune())
        ('pixels', 'features')
    """
    expected = "method must be one of ps.methods (pixels), ps.reducers (features) or ps.droppers (layers)"
    if isinstance(method, type):
        raise TypeError(f"{expected}, got the class {method.__name__}; make one: {method.__name__}()")
    said = getattr(method, "site", None)
    if said is None:
        said = _guessed(method)
    for site in SITES:
        if said == site:
            return site
    raise TypeError(
        f"{expected}, or have the attribute `site` with the value 'pixels', 'features' or 'layers', "
        f"got {shorten(method)}"
    )


def check_site(method: Any, site: Site) -> None:
    """Refuses a method of another site.

    Raises:
        TypeError: the message names the site that `method` belongs to.
    """
    if (other := site_of(method)) != site:
        raise TypeError(f"method must be {KINDS[site]} ({site} site), got {shorten(method)} of the {other} site")


def _guessed(method: Any) -> Site | None:
    """The site of a method that does not say it, by what it takes."""
    site: Site | None = None
    if hasattr(method, "schedule") and hasattr(method, "keep"):
        site = LAYERS
    elif callable(method):
        first = next(iter(inspect.signature(method).parameters), "")
        site = {"scenes": PIXELS, "features": FEATURES}.get(first)
    if site is not None:
        warnings.warn(
            f"{shorten(method)} has no attribute `site`, so its arguments were taken for those of {KINDS[site]}; "
            f"give its class `site: ClassVar = {site!r}`",
            DeprecationWarning,
            stacklevel=4,
        )
    return site


__getattr__ = names_of(__name__)
