"""Methods by name: on the command line and in plans."""

import ast
import difflib
import re
from dataclasses import fields

from .._check import shorten
from ..allocation.allocator import Allocator
from .coarse_to_fine import CoarseToFine
from .frequency import Frequency
from .random import Random
from .rate_distortion import RateDistortion
from .resize import Resize
from .uniform import Uniform

METHODS: dict[str, type] = {
    "rate-distortion": RateDistortion,
    "resize": Resize,
    "uniform": Uniform,
    "random": Random,
    "frequency": Frequency,
    "coarse-to-fine": CoarseToFine,
}
"""Name on the command line (the class name in kebab-case) -> class."""


def method_from(text: str) -> Allocator:
    """Returns the method that a string names: a name as on the command line, or what `plan.method` holds.

    Raises:
        ValueError: no such method or option; the message lists the near names.

    Example:
        >>> method_from("rate-distortion"), method_from("Random(seed=3)")
        (RateDistortion(aspect=4, gain='recursive'), Random(seed=3))
    """
    if not isinstance(text, str):
        raise ValueError(f"method must be a string such as 'Random(seed=3)', got {shorten(text)}")
    match = re.fullmatch(r"([A-Za-z][\w-]*)(?:\s*\((.*)\))?", text.strip(), re.DOTALL)
    classes = METHODS | {kind.__name__: kind for kind in METHODS.values()}
    if not match or match[1] not in classes:
        name = match[1] if match else text
        near = difflib.get_close_matches(name[:40].lower(), METHODS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {shorten(text)}{hint}")
    kind = classes[match[1]]
    options = _options(match[2] or "", text)
    known = [field.name for field in fields(kind)]
    for name in options:
        if name not in known:
            has = f"has the options {', '.join(known)}" if known else "has no options"
            raise ValueError(f"method {kind.__name__} {has}, got {shorten(name)}")
    try:
        method: Allocator = kind(**options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"method {kind.__name__} has an option that does not fit: {error}") from None
    return method


def _options(arguments: str, text: str) -> dict[str, object]:
    """Reads "name=literal, ..." without evaluating anything."""
    try:
        source = f"f({arguments})"
        call = ast.parse(source, mode="eval").body
        names = [word.arg for word in getattr(call, "keywords", [])]
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise ValueError
        if None in names or len(set(names)) < len(names) or ast.get_source_segment(source, call) != source:
            raise ValueError
        return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"method options must be name=value, as in Random(seed=3), got {shorten(text)}") from None
