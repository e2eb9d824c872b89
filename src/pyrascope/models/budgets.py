"""How many tokens each image of a batch gets."""

from collections.abc import Sequence
from typing import Any

from .._check import one_of, whole_number
from ..allocation.budgets.budget import allocate

SHARES = ("image", "prompt")


def budgets_of(budget: Any, counts: Sequence[int], rows: Sequence[int], share: str) -> list[int]:
    """Returns the number of tokens of each image, exactly as asked.

    Args:
        budget: Tokens of each image, or of each prompt, as `share` says; or a list, one number an image.
        counts: Tokens that each image has in full.
        rows: The prompt of each image.
        share: "image", or "prompt": shared by the images of a prompt in proportion to `counts`, at least 1 each.

    Raises:
        TypeError: no whole number.
        ValueError: more than there are, or fewer than 1 an image; the message names the range.

    >>> budgets_of(9, [20, 10, 16], [0, 0, 1], "prompt")
    [6, 3, 9]
    """
    one_of(share, "share", SHARES)
    if isinstance(budget, list | tuple):
        if share == "prompt" or len(budget) != len(counts):
            raise ValueError(
                f"a list of budgets must have one for each of the {len(counts)} images and share='image', "
                f"got {len(budget)} and share={share!r}"
            )
        return [_within(one, count) for one, count in zip(budget, counts, strict=True)]
    if share == "image":
        return [_within(budget, count) for count in counts]
    out = [0] * len(counts)
    for prompt in dict.fromkeys(rows):
        mine = [i for i, row in enumerate(rows) if row == prompt]
        full = [counts[i] for i in mine]
        hint = f"the images of prompt {prompt} have {sum(full)} visual tokens in full"
        total = whole_number(budget, "budget", len(mine), sum(full), hint=hint)
        for i, part in zip(mine, allocate(full, total, minimum=1, maximum=full).tolist(), strict=True):
            out[i] = part
    return out


def _within(budget: Any, count: int) -> int:
    return whole_number(budget, "budget", 1, count, hint=f"the image has {count} visual tokens in full")
