"""What the checks of all sites share: inputs, one run of `generate`, and a comparison with what was measured."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...stock.protocols import Model

TOLERANCE = 1e-5
"""Of float32 logits, for each unit of the largest: as much as stock differs from itself in a batch and alone."""
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
    """Compares within `TOLERANCE`, times the largest logit where that is above 1."""
    worst = float((first.double() - second.double()).abs().max())
    allowed = TOLERANCE * max(1.0, float(second.abs().max()))
    return worst <= allowed, f"largest difference {worst:.1e}, allowed {allowed:.1e}"
