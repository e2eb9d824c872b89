"""SmolVLM and Idefics3: an image is several tiles, each a run; the last is the global view, behind its own token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..placeholders import Run, by_items
from .family import Family


@dataclass(frozen=True)
class SmolVLM(Family):
    """The tower returns one item a prompt; the token before a run tells whether it ends an image."""

    def images(
        self, runs: Sequence[Run], items: Sequence[int], input_ids: Tensor, processor: Any = None
    ) -> list[list[Run]]:
        """Groups by the global view; see `Family.images`.

        Raises:
            ValueError: also where a prompt has several tiles and no processor tells which token marks a global view.
        """
        by_items(runs, items)
        last = _global_token(processor)
        if last is None:
            if len({run.row for run in runs}) < len(runs):
                raise ValueError(
                    "several tiles in one prompt need the processor to tell which make up an image, got none; "
                    "pass processor="
                )
            return [[run] for run in runs]
        groups: list[list[Run]] = []
        open_row = None
        for run in runs:
            if open_row != run.row:
                groups.append([])
            groups[-1].append(run)
            ends = run.start > 0 and int(input_ids[run.row, run.start - 1]) == last
            open_row = None if ends else run.row
        return groups


def _global_token(processor: Any) -> int | None:
    """The id of the token before a global view, or None where the processor does not tell."""
    token = getattr(processor, "global_image_token", None) or getattr(processor, "global_image_tag", None)
    tokenizer = getattr(processor, "tokenizer", None)
    return None if token is None or tokenizer is None else int(tokenizer.convert_tokens_to_ids(token))
