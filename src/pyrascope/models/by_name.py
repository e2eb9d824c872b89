"""A method of any site by name."""

from collections.abc import Callable
from typing import Any

from ..methods.droppers.named import DROPPERS, dropper_from
from ..methods.named import METHODS, method_from, near_names
from ..methods.reducers.named import REDUCERS, reducer_from
from .sites import FEATURES, LAYERS, PIXELS

READERS: dict[str, tuple[dict[str, type], Callable[[str], Any]]] = {
    PIXELS: (METHODS, method_from),
    FEATURES: (REDUCERS, reducer_from),
    LAYERS: (DROPPERS, dropper_from),
}
"""By site: the methods by name, and what reads a name with options."""


def any_method_from(text: str) -> Any:
    """Returns the method that a string names, of the first site that has it; "site:name" names the site too.

    Raises:
        ValueError: no such method or option; the message lists the near names.

    Example:
        >>> any_method_from("resize"), any_method_from("features:resize"), any_method_from("div-prune")
        (Resize(), Resize(), DivPrune())
    """
    site, _, rest = text.strip().rpartition(":") if text.split("(")[0].count(":") else ("", "", text.strip())
    if site and site not in READERS:
        raise ValueError(f"the site of a method must be one of {', '.join(READERS)}, got {site!r}")
    name = rest.split("(")[0].strip()
    for each in [site] if site else READERS:
        table, read = READERS[each]
        if name in table or name in {kind.__name__ for kind in table.values()}:
            return read(rest)
    names = {name: None for each in ([site] if site else READERS) for name in READERS[each][0]}
    near = near_names(name, names)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"method must be one of {', '.join(names)}, got {name!r}{hint}")
