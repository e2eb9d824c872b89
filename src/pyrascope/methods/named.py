"""Methods by name: on the command line and in plans."""

import ast
import difflib
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from .._check import shorten
from ..allocation import difficulty, importance
from ..allocation.contracts.allocator import Allocator
from ..allocation.importance import ImportanceMap
from .adaptive_depth import AdaptiveDepth
from .anisotropic import Anisotropic
from .coarse_to_fine import CoarseToFine
from .difficulty_tiers import DifficultyTiers
from .dynamic_pyramid import DynamicPyramid
from .foveated import Foveated
from .frequency import Frequency
from .mixture import Mixture
from .multi_scale import MultiScale
from .never_worse import NeverWorse
from .progressive_levels import ProgressiveLevels
from .random import Random
from .rate_distortion import RateDistortion
from .region_tiers import RegionTiers
from .resize import Resize
from .saliency_pyramid import SaliencyPyramid
from .two_levels import TwoLevels
from .uniform import Uniform
from .with_context import WithContext
from .zoom import Zoom

METHODS: dict[str, type] = {
    "rate-distortion": RateDistortion,
    "two-levels": TwoLevels,
    "resize": Resize,
    "uniform": Uniform,
    "random": Random,
    "frequency": Frequency,
    "saliency-pyramid": SaliencyPyramid,
    "progressive-levels": ProgressiveLevels,
    "difficulty-tiers": DifficultyTiers,
    "region-tiers": RegionTiers,
    "dynamic-pyramid": DynamicPyramid,
    "adaptive-depth": AdaptiveDepth,
    "multi-scale": MultiScale,
    "anisotropic": Anisotropic,
    "foveated": Foveated,
    "mixture": Mixture,
    "with-context": WithContext,
    "zoom": Zoom,
    "never-worse": NeverWorse,
    "coarse-to-fine": CoarseToFine,
}
"""Name on the command line (the class name in kebab-case) -> class."""
UNAIDED: dict[str, type] = {name: kind for name, kind in METHODS.items() if kind is not CoarseToFine}
"""Those that work as they are made without arguments; `CoarseToFine` needs a detector or a model."""

MAPS: dict[str, type] = {
    re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower(): kind
    for name, kind in vars(importance).items()
    if name in importance.__all__ and isinstance(kind, type) and is_dataclass(kind)
}
"""Importance maps likewise: those of `pyrascope.importance`."""

MAX_LENGTH, MAX_DEPTH = 20_000, 12
"""Most characters of a string that is read, and how deep its calls, tuples and lists may be nested."""


def method_from(text: str) -> Allocator:
    """Returns the method that a string names: a name as on the command line, or what `plan.method` holds.

    Options are literals, or again methods, importance maps and measures of difficulty by class name, also in tuples
    and lists. Nothing is evaluated: the string is parsed, and only these classes are made.

    Raises:
        ValueError: no such method or option; the message lists the near names.

    Example:
        >>> method_from("rate-distortion"), method_from("Random(seed=3)")
        (RateDistortion(aspect=4, gain='recursive'), Random(seed=3))
    """
    method: Allocator = made_from(text, METHODS, "method", "Random(seed=3)")
    return method


def map_from(text: str) -> ImportanceMap:
    """Returns the importance map that a string names, as `method_from` does for methods.

    Raises:
        ValueError: no such map or option; the message lists the near names.

    Example:
        >>> map_from("spectral-residual"), map_from("BandEnergy(levels=2)")
        (SpectralResidual(side=64), BandEnergy(levels=2))
    """
    found: ImportanceMap = made_from(text, MAPS, "map", "Saliency()")
    return found


def made_from(text: str, table: dict[str, type], kind: str, example: str) -> Any:
    """What a string of a name, or of a class name, and options makes of the classes in a table."""
    if not isinstance(text, str):
        raise ValueError(f"{kind} must be a string such as {example!r}, got {shorten(text)}")
    match = re.fullmatch(r"([A-Za-z][\w-]*)(?:\s*\((.*)\))?", text.strip(), re.DOTALL)
    classes = table | {made.__name__: made for made in table.values()}
    if not match or match[1] not in classes:
        names = near_names(match[1] if match else text, table)
        hint = f"; did you mean {names[0]}?" if names else ""
        raise ValueError(f"{kind} must be one of {', '.join(table)}, got {shorten(text)}{hint}")
    return _made(classes[match[1]], _options(match[2] or "", text))


def near_names(name: str, names: Iterable[str], most: int = 1) -> list[str]:
    """Returns the names that are close to one that does not exist, the closest first."""
    return difflib.get_close_matches(name[:40].lower(), list(names), n=most)


def parts() -> dict[str, type]:
    """Returns the classes that options may name, by class name: methods, importance maps, measures of difficulty."""
    found = [getattr(room, name) for room in (importance, difficulty) for name in room.__all__]
    known = [*METHODS.values(), *(kind for kind in found if isinstance(kind, type) and is_dataclass(kind))]
    return {kind.__name__: kind for kind in known}


def _made(kind: type, options: dict[str, object]) -> Any:
    """Returns `kind(**options)`, or says in one sentence what does not fit."""
    name = f"method {kind.__name__}" if kind in METHODS.values() else kind.__name__
    known = [field.name for field in fields(kind)]
    for option in options:
        if option not in known:
            has = f"has the options {', '.join(known)}" if known else "has no options"
            raise ValueError(f"{name} {has}, got {shorten(option)}")
    try:
        return kind(**options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} has an option that does not fit: {error}") from None


def _options(arguments: str, text: str) -> dict[str, object]:
    """Reads "name=value, ..." without evaluating anything."""
    expected = f"method options must be name=value, as in Random(seed=3), got {shorten(text)}"
    if len(arguments) > MAX_LENGTH:
        raise ValueError(f"{expected} of {len(text)} characters; at most {MAX_LENGTH} are read")
    try:
        source = f"f({arguments})"
        call = ast.parse(source, mode="eval").body
        if ast.get_source_segment(source, call) != source or not isinstance(call, ast.Call):
            raise SyntaxError
        named = _keywords(call)
        plain = {name: _value(node, 1) for name, node in named.items()}
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(expected) from None
    return plain


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    """The arguments of `name(a=..., b=...)`; SyntaxError for any other call."""
    names = [word.arg for word in call.keywords]
    if not isinstance(call.func, ast.Name) or call.args or None in names or len(set(names)) < len(names):
        raise SyntaxError
    return {str(word.arg): word.value for word in call.keywords}


def _value(node: ast.expr, depth: int) -> object:
    """The value of a literal, of a known call, or of a tuple or list of these; SyntaxError for all else."""
    if depth > MAX_DEPTH:
        raise SyntaxError
    if isinstance(node, ast.Call):
        options = {name: _value(value, depth + 1) for name, value in _keywords(node).items()}
        return _made(_part(ast.unparse(node.func)), options)
    if isinstance(node, ast.Tuple | ast.List):
        values = [_value(value, depth + 1) for value in node.elts]
        return tuple(values) if isinstance(node, ast.Tuple) else values
    try:
        return ast.literal_eval(node)
    except (TypeError, ValueError):
        raise SyntaxError from None


def _part(name: str) -> type:
    """The class that an option names."""
    known = parts()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name[:40], known, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"an option must be a literal, or a method, map or difficulty, got {shorten(name)}{hint}")
