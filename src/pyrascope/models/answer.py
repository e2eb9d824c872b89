"""What a model answers to a question about an image, for how many visual tokens, how surely and how fast."""

import inspect
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..allocation.plan import Plan
from ..allocation.reducer import FeatureContext, Reduction
from .attach import attach
from .prepare import prepare
from .prompt import prompt_of
from .sites import LAYERS, site_of


@dataclass(frozen=True)
class Answer:
    """One answer. Times are in seconds of the wall, from the image in memory on.

    Attributes:
        text: The answer.
        tokens: Visual tokens that the language model saw (inside the language model: their mean over its layers).
        entropy: Of the first token of the answer, in nats: 0 is certain.
        first: Until the first token of the answer.
        planning: Of these, in the method.
        all: Until the end of the answer.
        method: The method's string; "" for the full prompt.
        plan: What the tokens show; of a method that chooses among the tower's tokens, the cells of those kept. None
            where that is not known (several views of the image, or inside the language model).
    """

    text: str
    tokens: float
    entropy: float
    first: float
    planning: float
    all: float
    method: str = ""
    plan: Plan | None = None


class Watched:
    """A method that takes down the time spent in it and the grid it is told of; else it is as the one that it holds."""

    def __init__(self, method: Any) -> None:
        self.method, self.seconds = method, 0.0
        self.grid: tuple[int, int] | None = None
        if callable(method):
            self.__signature__ = inspect.signature(method)

    def __call__(self, *args: Any, **more: Any) -> Any:
        """Calls the method."""
        told = [one for one in args if isinstance(one, FeatureContext)]
        self.grid = told[0].grid if told else None
        return self._timed(self.method, *args, **more)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.method, name)
        return (lambda *args, **more: self._timed(found, *args, **more)) if inspect.ismethod(found) else found

    def __repr__(self) -> str:
        return repr(self.method)

    def _timed(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        start = time.perf_counter()
        try:
            return call(*args, **more)
        finally:
            self.seconds += time.perf_counter() - start


class _FirstToken:
    """Takes down when the first new token is there; `generate` shows it the prompt before."""

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
def first_entropies(model: Any, inputs: Mapping[str, Any]) -> Tensor:
    """Returns the entropy, in nats, of the first token of the answer to each prompt, float64 (b,).

    Args:
        model: The model.
        inputs: What `prepare` or the processor returned, padded on the left.
    """
    out = model.generate(
        **dict(inputs), max_new_tokens=1, do_sample=False, num_beams=1, return_dict_in_generate=True, output_logits=True
    )
    return entropy_of(out.logits[0])


@torch.no_grad()
def answer(
    model: Any,
    processor: Any,
    image: Any,
    question: str,
    *,
    method: Any = None,
    budget: int | None = None,
    max_new_tokens: int = 32,
) -> Answer:
    """Asks a question about one image, greedily.

    Args:
        model: A model of transformers that takes encoded features.
        processor: Its processor.
        image: As the processor takes it.
        question: The question.
        method: A method of any site; None: the full prompt.
        budget: Visual tokens, as `prepare` and `attach` take it.
        max_new_tokens: Most tokens of the answer.

    Raises:
        ImportError, TypeError, ValueError: as `prepare` and `attach`.
    """
    watch: Any = None if method is None else Watched(method)
    site = None if method is None else site_of(method)
    start = time.perf_counter()
    text = prompt_of(processor, question)
    found: list[Any] = []
    if site is None or site == LAYERS:
        inputs = dict(processor(images=image, text=text, return_tensors="pt").to(model.device))
    else:
        inputs, found = prepare(model, processor, image, text, method=watch, budget=budget)
    clock = _FirstToken()
    with attach(model, watch, budget, processor=processor) if site == LAYERS else nullcontext():
        out = model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            return_dict_in_generate=True,
            output_logits=True,
            streamer=clock,
        )
    end = time.perf_counter()
    new = out.sequences[0, inputs["input_ids"].shape[1] :]
    return Answer(
        text=processor.tokenizer.decode(new, skip_special_tokens=True).strip(),
        tokens=_tokens(model, inputs, method if site == LAYERS else None, budget),
        entropy=float(entropy_of(out.logits[0][0])),
        first=clock.at - start,
        planning=watch.seconds if watch else 0.0,
        all=end - start,
        method="" if method is None else repr(method),
        plan=_plan(found[0], watch) if found and watch else None,
    )


def _tokens(model: Any, inputs: Mapping[str, Any], dropper: Any, budget: int | None) -> float:
    tokens = int((inputs["input_ids"] == model.config.image_token_id).sum())
    if dropper is None:
        return tokens
    layers = int(model.config.get_text_config().num_hidden_layers)
    counts: list[int] = dropper.schedule(tokens, layers, budget)
    return sum(counts) / layers


def _plan(made: Plan | Reduction, watch: Watched) -> Plan | None:
    if isinstance(made, Plan):
        return made
    return None if watch.grid is None else plan_of_cells(made.kept.cpu().numpy(), watch.grid, repr(watch))


def plan_of_cells(kept: NDArray[np.int64], grid: tuple[int, int], method: str, cell: int = 16) -> Plan:
    """Returns the plan of cells (numbers in reading order) of a grid, for an image of one patch a cell.

    Example:
        >>> plan_of_cells(np.array([1, 3]), (2, 3), "by hand").boxes
        array([[ 0., 16., 16., 32.],
               [16.,  0., 32., 16.]])
    """
    corner = np.stack(np.divmod(kept, grid[1]), 1) * float(cell)
    none = np.zeros(len(kept))
    return Plan(
        np.hstack([corner, corner + cell]),
        np.zeros((len(kept), 2), np.float32),
        none,
        (grid[0] * cell, grid[1] * cell),
        cell,
        method,
    )
