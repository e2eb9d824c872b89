"""The checks of the features site: the tower in full, fewer of its tokens in the language model."""

from typing import Any

import torch
from torch import Tensor

from ...allocation.reducer import FeatureContext, Reduction
from ...methods.reducers import Random
from ..attach import attach
from ..features import reduce_inputs
from .check import Check, Finding, Make, close, generated


def _reduced(model: Any, processor: Any, inputs: dict[str, Any], budget: Any) -> dict[str, Any]:
    return reduce_inputs(model, inputs, Random(), budget, processor=processor)[0]


def _counts(model: Any, processor: Any, inputs: dict[str, Any]) -> list[int]:
    """Visual tokens of each image in full."""
    found: list[int] = []

    def count(features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        found.append(len(features))
        return Random()(features, budget, context)

    reduce_inputs(model, inputs, count, 1, processor=processor)
    return found


def _full_logits(model: Any, processor: Any, make: Make) -> Finding:
    inputs = make((0, 1))
    small = _reduced(model, processor, inputs, _counts(model, processor, inputs))
    return close(model(**small).logits[:, -1], model(**inputs).logits[:, -1])


def _full_tokens(model: Any, processor: Any, make: Make) -> Finding:
    inputs = make((0, 1))
    stock, tokens = generated(model, inputs)
    ours, same = generated(model, _reduced(model, processor, inputs, _counts(model, processor, inputs)))
    good, detail = close(ours, stock)
    return good and torch.equal(tokens, same), detail


def _budget(model: Any, processor: Any, make: Make) -> list[int]:
    """A third of each image, the counts different where the images allow it."""
    return [max(count // (3 + i), 1) for i, count in enumerate(_counts(model, processor, make((0, 1))))]


def _exact(model: Any, processor: Any, make: Make) -> Finding:
    budget = _budget(model, processor, make)
    small = _reduced(model, processor, make((0, 1)), budget)
    found = (small["input_ids"] == model.config.image_token_id).sum(1).tolist()
    wanted = [budget[0], sum(budget[1:])]
    return found == wanted, f"{found} visual tokens for {wanted}"


def _batch(model: Any, processor: Any, make: Make) -> Finding:
    budget = _budget(model, processor, make)
    together, _ = generated(model, _reduced(model, processor, make((0, 1)), budget))
    alone = [
        generated(model, _reduced(model, processor, make((row,)), part))[0]
        for row, part in ((0, budget[:1]), (1, budget[1:]))
    ]
    return close(together, torch.cat(alone))


def _cache(model: Any, processor: Any, make: Make) -> Finding:
    budget = _budget(model, processor, make)
    cached, _ = generated(model, _reduced(model, processor, make((0, 1)), budget))
    whole, _ = generated(model, _reduced(model, processor, make((0, 1)), budget), use_cache=False)
    return close(cached, whole)


def _text(model: Any, processor: Any, make: Make) -> Finding:
    prompt = {"input_ids": torch.tensor([[3, 4, 5]], device=model.device)}
    prompt["attention_mask"] = torch.ones_like(prompt["input_ids"])
    stock, _ = generated(model, prompt)
    with attach(model, Random(), 1, processor=processor):
        ours, _ = generated(model, prompt)
    return torch.equal(stock, ours), "bit for bit"


def _restored(model: Any, processor: Any, make: Make) -> Finding:
    inputs = make((0, 1))
    names, stock = set(vars(model)), model(**inputs).logits
    with attach(model, Random(), _budget(model, processor, make), processor=processor):
        model.generate(**dict(inputs), max_new_tokens=1)
    return set(vars(model)) == names and torch.equal(model(**inputs).logits, stock), "bit for bit"


CHECKS: dict[str, Check] = {
    "full budget: logits": _full_logits,
    "full budget: tokens": _full_tokens,
    "exactly B": _exact,
    "batch equals rows": _batch,
    "cached equals uncached": _cache,
    "text passes through": _text,
    "restored": _restored,
}
