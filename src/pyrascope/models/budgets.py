"""How many tokens each image of a batch gets."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from .._check import one_of, shorten, whole_number
from ..allocation.budgets.budget import allocate

SHARES = ("image", "prompt")


def budgets_of(budget: Any, counts: Sequence[int], rows: Sequence[int], share: str, at_most: bool = False) -> list[int]:
    """Returns the number of tokens of each image, exactly as asked.

    Args:
        budget: Tokens of each image, or of each prompt, as `share` says; or a list, one number an image. A float is a
            ratio of the full number; see `tokens_asked`.
        counts: Tokens that each image has in full.
        rows: The prompt of each image.
        share: "image", or "prompt": shared by the images of a prompt in proportion to `counts`, at least 1 each.
        at_most: Whether an image, or a prompt, that has fewer keeps what it has.

    Raises:
        TypeError: a budget that is not a number.
        ValueError: more than there are, or fewer than 1 an image; the message names the range.

    >>> budgets_of(9, [20, 10, 16], [0, 0, 1], "prompt")
    [6, 3, 9]
    >>> budgets_of(0.25, [20, 10, 16], [0, 0, 1], "image"), budgets_of(12, [20, 10], [0, 0], "image", at_most=True)
    ([5, 3, 4], [12, 10])
    """
    one_of(share, "share", SHARES)
    if isinstance(budget, list | tuple):
        if share == "prompt" or len(budget) != len(counts):
            raise ValueError(
                f"a list of budgets must have one for each of the {len(counts)} images and share='image', "
                f"got {len(budget)} and share={share!r}"
            )
        return [_within(each, count, at_most) for each, count in zip(budget, counts, strict=True)]
    if share == "image":
        return [_within(budget, count, at_most) for count in counts]
    out = [0] * len(counts)
    for prompt in dict.fromkeys(rows):
        images = [i for i, row in enumerate(rows) if row == prompt]
        full = [counts[i] for i in images]
        hint = f"the images of prompt {prompt} have {sum(full)} visual tokens in full"
        asked = tokens_asked(budget, sum(full), at_most)
        asked = max(asked, len(images)) if isinstance(budget, float) else asked
        total = whole_number(asked, "budget", len(images), sum(full), hint=hint)
        for i, part in zip(images, allocate(full, total, minimum=1, maximum=full).tolist(), strict=True):
            out[i] = part
    return out


def tokens_asked(budget: Any, count: int, at_most: bool = False) -> Any:
    """Returns the number that a budget asks for where there are `count`; what is not a ratio is returned as it is.

    A float is a ratio in (0, 1], as it is written in decimals: its share of `count`, rounded half up, at least 1. So 1
    is one token, and 1.0 all.

    Raises:
        ValueError: a ratio outside the range.

    >>> tokens_asked(0.3, 5), tokens_asked(0.001, 5), tokens_asked(1.0, 5), tokens_asked(1, 5), tokens_asked(9, 5, True)
    (2, 1, 5, 1, 5)
    """
    if isinstance(budget, float):
        if not 0 < budget <= 1:
            raise ValueError(
                f"budget must be a whole number, or a ratio above 0 and up to 1.0, got {shorten(budget)}; "
                "write 64 for 64 tokens and 0.25 for a quarter"
            )
        return max(math.floor(Fraction(str(budget)) * count + Fraction(1, 2)), 1)
    whole = isinstance(budget, int) and not isinstance(budget, bool)
    return min(budget, count) if at_most and whole else budget


def budget_from(text: str) -> int | float:
    """Returns what a text says: a number of tokens, or with a point a ratio of all.

    >>> budget_from("64"), budget_from("0.25"), budget_from("1.0")
    (64, 0.25, 1.0)
    """
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise ValueError(
                f"budget must be a whole number of tokens or a ratio such as 0.25, got {shorten(text)}"
            ) from None


def _within(budget: Any, count: int, at_most: bool) -> int:
    asked = tokens_asked(budget, count, at_most)
    return whole_number(asked, "budget", 1, count, hint=f"the image has {count} visual tokens in full")
