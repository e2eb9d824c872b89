"""What a model answers to a question about an image, for how many visual tokens, how surely and how fast."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...allocation.plan import Plan
from ..attach import attach
from ..budgets import tokens_asked
from ..fewer import with_fewer_tokens
from ..host import Host
from ..options import GRID, PixelOptions
from ..pixels.sources import readable
from ..prompts.chat import prompt_of
from ..sites import LAYERS, site_of
from ..stock.clock import LOOKS, PLANNING, spans
from ..stock.protocols import Model
from .shown import shown_by


@dataclass(frozen=True)
class Answer:
    """One answer. Times are in seconds of the wall, from the image in memory on.

    Attributes:
        text: The answer.
        tokens: Visual tokens that the language model saw (inside the language model: their mean over its layers).
        entropy: Of the first token of the answer, in nats: 0 is certain.
        first: Until the first token of the answer.
        planning: Of these, in the method.
        looks: Of these, in looks through the model before the plan is made.
        all: Until the end of the answer.
        method: The method's string; "" for the full prompt.
        plan: What the tokens show; of a method that chooses among the tower's tokens, the cells of those kept. None
            where that is not known, or where tokens leave inside the language model.
    """

    text: str
    tokens: float
    entropy: float
    first: float
    planning: float
    looks: float
    all: float
    method: str = ""
    plan: Plan | None = None


class _FirstToken:
    """Records when the first new token arrives. `generate` passes the prompt first, so the second call counts."""

    def __init__(self) -> None:
        self.calls, self.at = 0, 0.0

    def put(self, value: Tensor) -> None:
        self.calls += 1
        if self.calls == 2:
            self.at = time.perf_counter()

    def end(self) -> None:
        pass


def entropy_of(logits: Tensor) -> Tensor:
    """Returns the entropies, in nats, of the distributions that logits (..., n) stand for.

    >>> entropy_of(torch.tensor([[0.0, 0.0, 0.0, 0.0], [9e9, 0.0, 0.0, 0.0]])).round(decimals=4)
    tensor([1.3863, 0.0000], dtype=torch.float64)
    """
    log = logits.double().log_softmax(-1)
    found: Tensor = torch.special.entr(log.exp()).sum(-1)
    return found


@torch.no_grad()
def first_entropies(model: Model, inputs: Mapping[str, Any]) -> Tensor:
    """Returns the entropy, in nats, of the first token of the answer to each prompt, float64 (b,).

    Args:
        model: The model.
        inputs: What `prepare` or the processor returned, padded on the left.
    """
    return entropy_of(greedy(model, inputs, 1).logits[0])


def greedy(model: Model, inputs: Mapping[str, Any], most: int, **options: Any) -> Any:
    """Returns what the model generates, the most likely token each time, with the logits of at most `most` tokens."""
    return model.generate(
        **inputs,
        max_new_tokens=most,
        do_sample=False,
        num_beams=1,
        return_dict_in_generate=True,
        output_logits=True,
        **options,
    )


@torch.no_grad()
def answer(  # noqa: PLR0913 (options by name)
    model: Any,
    processor: Any,
    image: Any,
    question: str,
    *,
    method: Any = None,
    budget: int | float | None = None,
    at_most: bool = False,
    finest: str | int = GRID,
    max_new_tokens: int = 32,
) -> Answer:
    """Asks a question about one image, greedily.

    Args:
        model: A model of transformers that takes encoded features.
        processor: Its processor.
        image: A path, a PIL image or an array.
        question: The question.
        method: A method of any site; None: the full prompt.
        budget: Visual tokens, or a ratio of all, a float in (0, 1].
        at_most: Whether an image that has fewer tokens than `budget` keeps what it has.
        finest: Finest level of plans before the tower, as `PixelOptions`; other methods do without.
        max_new_tokens: Most tokens of the answer.

    Raises:
        ImportError: transformers is missing or too old.
        TypeError: the model cannot be served, or `method` is not a method.
        NotImplementedError: the model does not serve methods of that site.
        ValueError: a budget out of range.
    """
    host, site = Host.of(model, processor, called=True), None if method is None else site_of(method)
    start = time.perf_counter()
    with spans() as seconds:
        text, image = prompt_of(processor, question), readable(image)
        full = dict(processor(images=image, text=text, return_tensors="pt").to(host.model.device))
        inputs, plan = _shorter(host, image, full, method, budget, PixelOptions(at_most=at_most, finest=finest))
    clock = _FirstToken()
    with attach(model, method, budget, processor=processor, at_most=at_most) if site == LAYERS else nullcontext():
        out = greedy(model, inputs, max_new_tokens, streamer=clock)
    end = time.perf_counter()
    new = out.sequences[0, inputs["input_ids"].shape[1] :]
    return Answer(
        text=processor.tokenizer.decode(new, skip_special_tokens=True).strip(),
        tokens=seen_tokens(host.model, inputs, method if site == LAYERS else None, budget, at_most)[0],
        entropy=float(entropy_of(out.logits[0][0])),
        first=clock.at - start,
        planning=seconds[PLANNING],
        looks=seconds[LOOKS],
        all=end - start,
        method="" if method is None else repr(method),
        plan=plan(),
    )


def _shorter(
    host: Host, image: Any, full: dict[str, Any], method: Any, budget: Any, options: PixelOptions
) -> tuple[dict[str, Any], Callable[[], Plan | None]]:
    """The inputs with fewer visual tokens, and what makes the plan of what these show, once time is not counted."""
    if method is None or site_of(method) == LAYERS:
        return full, lambda: None
    small, (found,) = with_fewer_tokens(host, full, method, budget, images=[image], options=options)
    if isinstance(found, Plan):
        return small, lambda: found
    return small, lambda: shown_by(host, image, full, found, repr(method))


def seen_tokens(
    model: Model, inputs: Mapping[str, Any], dropper: Any = None, budget: Any = None, at_most: bool = False
) -> list[int | float]:
    """Returns the visual tokens that the language model sees of each prompt; with a dropper, their mean over layers.

    Args:
        model: The model.
        inputs: As it is given them.
        dropper: A method of the layers site, or None.
        budget: Of the dropper.
        at_most: As it was given.
    """
    counts: list[int] = (inputs["input_ids"] == model.config.image_token_id).sum(1).tolist()
    if dropper is None:
        return list(counts)
    layers = int(model.config.get_text_config().num_hidden_layers)
    asked = [tokens_asked(budget, count, at_most) for count in counts]
    return [sum(dropper.schedule(count, layers, own)) / layers for count, own in zip(counts, asked, strict=True)]
