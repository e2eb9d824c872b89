"""What is checked alike at the pixels and the features site: shorter prompts, which the model takes as its own."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from ...attach import attach
from ...stock.protocols import Model, Processor
from .check import Check, Finding, Make, close, generated

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Shorter:
    """One site.

    Attributes:
        method: A method of the site.
        shrink: Takes model, processor, inputs and budgets; returns the inputs of the shorter prompts.
        counts: Takes model, processor and inputs; returns the visual tokens of each image in full.
    """

    method: Any
    shrink: Callable[[Any, Any, Inputs, Any], Inputs]
    counts: Callable[[Any, Any, Inputs], list[int]]

    def checks(self) -> dict[str, Check]:
        """Returns the checks by name."""
        return {
            "full budget: logits": partial(_full_logits, self),
            "full budget: tokens": partial(_full_tokens, self),
            "exactly B": partial(_exact, self),
            "batch equals rows": partial(_batch, self),
            "cached equals uncached": partial(_cache, self),
            "text passes through": partial(_text, self),
            "restored": partial(_restored, self),
        }

    def whole(self, model: Model, processor: Processor | None, make: Make) -> Inputs:
        """The inputs at the full budget, by way of the method."""
        inputs = make((0, 1))
        return self.shrink(model, processor, inputs, self.counts(model, processor, inputs))

    def part(self, model: Model, processor: Processor | None, make: Make) -> list[int]:
        """A third of each image, the counts different where the images allow it."""
        return [max(count // (3 + i), 1) for i, count in enumerate(self.counts(model, processor, make((0, 1))))]


def _full_logits(site: Shorter, model: Model, processor: Processor | None, make: Make) -> Finding:
    return close(model(**site.whole(model, processor, make)).logits[:, -1], model(**make((0, 1))).logits[:, -1])


def _full_tokens(site: Shorter, model: Model, processor: Processor | None, make: Make) -> Finding:
    stock, tokens = generated(model, make((0, 1)))
    ours, same = generated(model, site.whole(model, processor, make))
    good, detail = close(ours, stock)
    return good and torch.equal(tokens, same), detail


def _exact(site: Shorter, model: Model, processor: Processor | None, make: Make) -> Finding:
    budget = site.part(model, processor, make)
    small = site.shrink(model, processor, make((0, 1)), budget)
    found = (small["input_ids"] == model.config.image_token_id).sum(1).tolist()
    wanted = [budget[0], sum(budget[1:])]
    return found == wanted, f"{found} visual tokens for {wanted}"


def _batch(site: Shorter, model: Model, processor: Processor | None, make: Make) -> Finding:
    budget = site.part(model, processor, make)
    together, _ = generated(model, site.shrink(model, processor, make((0, 1)), budget))
    alone = [
        generated(model, site.shrink(model, processor, make((row,)), part))[0]
        for row, part in ((0, budget[:1]), (1, budget[1:]))
    ]
    return close(together, torch.cat(alone))


def _cache(site: Shorter, model: Model, processor: Processor | None, make: Make) -> Finding:
    budget = site.part(model, processor, make)
    cached, _ = generated(model, site.shrink(model, processor, make((0, 1)), budget))
    whole, _ = generated(model, site.shrink(model, processor, make((0, 1)), budget), use_cache=False)
    return close(cached, whole)


def _text(site: Shorter, model: Model, processor: Processor | None, make: Make) -> Finding:
    prompt = {"input_ids": torch.tensor([[3, 4, 5]], device=model.device)}
    prompt["attention_mask"] = torch.ones_like(prompt["input_ids"])
    stock, _ = generated(model, prompt)
    with attach(model, site.method, 1, processor=processor):
        ours, _ = generated(model, prompt)
    return torch.equal(stock, ours), "bit for bit"


def _restored(site: Shorter, model: Model, processor: Processor | None, make: Make) -> Finding:
    inputs = make((0, 1))
    names, stock, kind = set(vars(model)), model(**inputs).logits, type(processor)
    budget = site.part(model, processor, make)
    with attach(model, site.method, budget, processor=processor), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the sources are not known: these inputs were made before
        model.generate(**dict(inputs), max_new_tokens=1)
    same = set(vars(model)) == names and type(processor) is kind
    return same and torch.equal(model(**inputs).logits, stock), "bit for bit"
