"""Prompts that show the same images and ask something else."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..prompts.chat import image_token, prompt_of
from ..stock.inputs import REDUCED
from ..stock.protocols import Processor

NOTHING = "Write a general description of the image."
"""A question that asks nothing in particular."""


def asking(
    inputs: Mapping[str, Any], processor: Processor | None, token: int, question: str = NOTHING
) -> dict[str, Any]:
    """Returns inputs in which all that follows the last image of each prompt is replaced by one question for all.

    Special tokens that end the image stay. Positions go on from where the text after the images began.

    Args:
        inputs: Reduced inputs (token ids, mask, positions, encoded images), padded on the left.
        processor: Says how a question follows an image.
        token: The image placeholder.
        question: The question.

    Raises:
        ValueError: no processor with a tokenizer, or a prompt without an image.
    """
    tokenizer = getattr(processor, "tokenizer", None)
    if processor is None or not callable(tokenizer):
        raise ValueError("a generic prompt needs the processor, got none with a tokenizer; pass processor=")
    text = prompt_of(processor, question).split(image_token(processor))[-1]
    asked = torch.tensor(tokenizer(text, add_special_tokens=False)["input_ids"], dtype=torch.long)
    special = torch.tensor(sorted(set(tokenizer.all_special_ids) - {token}), dtype=torch.long)
    ids, mask, places = inputs["input_ids"], inputs["attention_mask"], inputs["position_ids"]
    rows, positions = [], []
    for row, mine in enumerate(ids.cpu()):
        visual = (mine == token).nonzero()
        if not len(visual):
            raise ValueError(f"every prompt must have an image to look at, got none in prompt {row}; leave it out")
        end = int(visual[-1]) + 1
        while end < len(mine) and bool((mine[end] == special).any()) and int(mine[end]) != int(asked[0]):
            end += 1
        shown = mask[row].bool().cpu().nonzero()[:, 0]
        kept = shown[shown < end]
        rows.append(torch.cat([mine[kept], asked]))
        before, after = (places[..., row, :].cpu()[..., columns] for columns in (kept, shown[shown >= end]))
        first = after[..., :1] if after.shape[-1] else before.amax() + 1
        positions.append(torch.cat([before, (first + torch.arange(len(asked))).to(before)], -1))
    made = _left(rows).to(ids.device)
    out = {
        "input_ids": made,
        "attention_mask": _left([torch.ones_like(one) for one in rows]).to(mask),
        "position_ids": torch.stack([_padded(one, made.shape[1]) for one in positions], -2).to(places.device),
        REDUCED: inputs[REDUCED],
    }
    kinds = {name: inputs[name] for name in ("mm_token_type_ids", "token_type_ids") if inputs.get(name) is not None}
    return out | {name: (made == token).to(kind) * kind.amax() for name, kind in kinds.items()}


def _left(rows: list[Tensor]) -> Tensor:
    """Rows of unequal length as one tensor, 0 on the left."""
    return pad_sequence([row.flip(0) for row in rows], batch_first=True).flip(1)


def _padded(row: Tensor, length: int) -> Tensor:
    return torch.nn.functional.pad(row, (length - row.shape[-1], 0))
