"""What the checks of all sites share: inputs, one run of `generate`, and a comparison with what was measured."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...stock.protocols import Model

TOLERANCE = 1e-5
NEW_TOKENS = 4
Make = Callable[[Sequence[int]], dict[str, Any]]
"""Makes the inputs of the named prompts: 0 has one image, 1 has two."""
Finding = tuple[bool, str]
Check = Callable[[Any, Any, Make], Finding]
"""Takes the model, its processor and the prompts; says whether all is well, and what was measured."""


def generated(model: Model, inputs: dict[str, Any], **more: Any) -> tuple[Tensor, Tensor]:
    """Logits of each step (b, steps, vocabulary) and the new tokens (b, steps)."""
    out = model.generate(
        **dict(inputs),
        max_new_tokens=NEW_TOKENS,
        min_new_tokens=NEW_TOKENS,
        do_sample=False,
        return_dict_in_generate=True,
        output_logits=True,
        **more,
    )
    return torch.stack(out.logits, 1), out.sequences[:, -NEW_TOKENS:]


def close(first: Tensor, second: Tensor) -> Finding:
    """Compares within `TOLERANCE`."""
    worst = float((first.double() - second.double()).abs().max())
    return worst <= TOLERANCE, f"largest difference {worst:.1e}"
