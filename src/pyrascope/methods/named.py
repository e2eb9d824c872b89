"""Methods by name: on the command line and in plans."""

import ast
import difflib
import re
from dataclasses import fields

from .._check import shorten
from ..allocation.allocator import Allocator
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
    match = re.fullmatch(r"\s*([A-Za-z][\w-]*)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    classes = METHODS | {kind.__name__: kind for kind in METHODS.values()}
    if not match or match[1] not in classes:
        name = match[1] if match else text
        near = difflib.get_close_matches(name.lower(), METHODS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {shorten(text)}{hint}")
    kind = classes[match[1]]
    options = _options(match[2] or "", text)
    known = [field.name for field in fields(kind)]
    for name in options:
        if name not in known:
            has = f"has the options {', '.join(known)}" if known else "has no options"
            raise ValueError(f"{kind.__name__} {has}, got {name!r}")
    method: Allocator = kind(**options)
    return method


def _options(arguments: str, text: str) -> dict[str, object]:
    """Reads "name=literal, ..." without evaluating anything."""
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(word.arg is None for word in call.keywords):
            raise ValueError
        return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"method options must be name=value, as in Random(seed=3), got {shorten(text)}") from None
