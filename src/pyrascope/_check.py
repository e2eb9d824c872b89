"""Argument checks: one style of error, which says what was expected, what came and what to do."""

import operator
from collections.abc import Collection


def whole_number(value: object, name: str, low: int, high: int | None = None, *, hint: str = "") -> int:
    """Returns `value` as an int from `low` to `high` (None: no upper end).

    Raises:
        TypeError: `value` is not an integer (booleans and floats are none).
        ValueError: `value` lies outside the range.
    """
    expected = f"{name} must be a whole number " + (f">= {low}" if high is None else f"from {low} to {high}")
    tail = f"; {hint}" if hint else ""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{expected}, got {shorten(value)} ({type(value).__name__}){tail}")
    number = operator.index(value)
    if number < low or (high is not None and number > high):
        raise ValueError(f"{expected}, got {shorten(number)}{tail}")
    return number


def one_of(value: str, name: str, allowed: Collection[str]) -> str:
    """Returns `value` if it is one of `allowed`, else raises ValueError that lists them."""
    if value not in list(allowed):  # a list, since the value may not be hashable
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {shorten(value)}")
    return value


def shorten(value: object, limit: int = 60) -> str:
    """Returns `repr(value)` on one line, cut in the middle where it is longer than `limit` characters."""
    try:
        text = f"{value:#x}" if isinstance(value, int) and value.bit_length() > 200 else repr(value)
    except RecursionError:
        text = f"a deeply nested {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit // 2]}...{text[-limit // 4 :]}"
