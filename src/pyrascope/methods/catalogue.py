"""What each method and importance map is, for people and programs: taken from the classes wherever they say it."""

import inspect
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from .named import MAPS, METHODS

BUDGETS = ("exact", "at most", "exact, or its own")
"""A method spends exactly the budget, or at most the budget, or the numbers of its own tiers where none is given."""

AT_MOST = {"resize"}
TIERED = {
    "progressive-levels",
    "difficulty-tiers",
    "region-tiers",
    "dynamic-pyramid",
    "multi-scale",
    "anisotropic",
}
RELEVANCE = ("attention", "query", "features")
READS: dict[str, tuple[str, ...]] = {
    "progressive-levels": RELEVANCE,
    "region-tiers": ("query", "features"),
    "dynamic-pyramid": RELEVANCE,
    "multi-scale": RELEVANCE,
    "anisotropic": RELEVANCE,
    "foveated": ("fixation", *RELEVANCE),
    "mixture": ("fixation", *RELEVANCE),
    "attention": ("attention",),
    "query": ("query", "features"),
    "fixation": ("fixation", *RELEVANCE),
    "relevance-realization": RELEVANCE,
}
"""Fields of `Context` that a default method or map reads, by name; a wrapper reads what its own method does."""


@dataclass(frozen=True)
class Option:
    """An option of a method or map.

    Attributes:
        name: As in `Random(seed=3)`.
        default: Its default as written; None where it must be given.
        meaning: What it does.
    """

    name: str
    default: str | None
    meaning: str


@dataclass(frozen=True)
class Entry:
    """A method or an importance map.

    Attributes:
        name: On the command line.
        call: The class, called with its defaults as in Python.
        kind: "method" or "map".
        idea: One sentence.
        budget: One of `BUDGETS`; empty for a map.
        reads: Fields of `Context` that it uses where they are given.
        options: In their order.
        text: The whole description.
    """

    name: str
    call: str
    kind: Literal["method", "map"]
    idea: str
    budget: str
    reads: tuple[str, ...]
    options: tuple[Option, ...]
    text: str

    @property
    def example(self) -> str:
        """The shortest call that makes it: with stand-ins for what must be given."""
        given = [option.name for option in self.options if option.default is None]
        values = {"maps": "(Saliency(), BandEnergy())", "first": "Saliency()", "second": "BandEnergy()"}
        return f"{self.call.split('(')[0]}({', '.join(f'{name}={values[name]}' for name in given)})"


def entries() -> list[Entry]:
    """Returns all methods, then all maps, in their order.

    Example:
        >>> first = entries()[0]
        >>> first.name, first.budget, [(option.name, option.default) for option in first.options]
        ('rate-distortion', 'exact', [('aspect', '4'), ('gain', "'recursive'")])
    """
    return [*(_entry(name, kind, "method") for name, kind in METHODS.items()), *map_entries()]


def map_entries() -> list[Entry]:
    """Returns all importance maps."""
    return [_entry(name, kind, "map") for name, kind in MAPS.items()]


def _entry(name: str, made: type, kind: Literal["method", "map"]) -> Entry:
    text = inspect.getdoc(made) or ""
    meanings = _attributes(text)
    options = tuple(Option(item.name, _default(item), meanings.get(item.name, "")) for item in fields(made))
    call = ", ".join(option.name if option.default is None else f"{option.name}={option.default}" for option in options)
    spends = BUDGETS[1] if name in AT_MOST else BUDGETS[2] if name in TIERED else BUDGETS[0]
    budget = spends if kind == "method" else ""
    idea = text.split("\n\n")[0].replace("\n", " ")
    return Entry(name, f"{made.__name__}({call})", kind, idea, budget, READS.get(name, ()), options, text)


def _default(item: Any) -> str | None:
    """The default of a dataclass field as it is written, or None."""
    if item.default is not MISSING:
        return repr(item.default)
    return None if item.default_factory is MISSING else repr(item.default_factory())


def _attributes(text: str) -> dict[str, str]:
    """The meanings in the Attributes section of a docstring, by name."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in text.splitlines():
        if not line.startswith(" "):
            inside = line == "Attributes:" if line else inside
        elif inside and line.startswith("    ") and line[4:5] != " ":
            name, _, meaning = line.strip().partition(": ")
            found[name] = meaning
        elif inside and name:
            found[name] += " " + line.strip()
    return found
