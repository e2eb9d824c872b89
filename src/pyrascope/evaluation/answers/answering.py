"""What a model answers to many examples, by every method and budget, in batches."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...allocation.plan import Plan
from ...models.ask.answer import entropy_of, greedy, seen_tokens
from ...models.attach import attach
from ...models.fewer import with_fewer_tokens
from ...models.host import Host
from ...models.options import PixelOptions
from ...models.prompts.chat import prompt_of
from ...models.sites import LAYERS, PIXELS, site_of
from .contenders import BLIND, Contender
from .evidence import heat, ninths, place_of
from .examples import Example

CHUNK = 32
"""Examples whose pictures are in memory at a time, and most in one batch."""
TOKENS = 4096
"""Visual tokens of a batch, at most, but for one example."""


@dataclass(frozen=True)
class Asked:
    """What was asked, without its picture.

    Attributes:
        example: Its number.
        family: As the example's.
        question: As the example's.
        answers: As the example's.
        place: Which ninth of the picture holds the evidence; None where there is no single place.
    """

    example: int
    family: str
    question: str
    answers: tuple[str, ...]
    place: int | None


@dataclass(frozen=True)
class Record:
    """One answer.

    Attributes:
        example: Number of the example.
        family: Its family.
        method: Name of the contender.
        budget: Visual tokens asked for; None for the rows that have none.
        tokens: Those that the language model saw (of a dropper, their mean over its layers).
        answer: What it said.
        right: Whether that counts as right.
        entropy: Of the first token, in nats.
        seconds: Of process time, its share of the batch, processor not counted.
        ninths: Share of the tokens in each ninth of the picture; None where that is not known.
    """

    example: int
    family: str
    method: str
    budget: int | None
    tokens: float
    answer: str
    right: bool
    entropy: float
    seconds: float
    ninths: tuple[float, ...] | None = None


@dataclass
class Run:
    """All that was asked and answered, who was refused and why, and what else there is to say."""

    asked: list[Asked] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: dict[tuple[str, int | None], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    """Examples with their pictures and the inputs of their full prompts."""

    numbers: list[int]
    examples: list[Example]
    pictures: list[NDArray[np.uint8]]
    texts: list[str]
    inputs: dict[str, Any]

    def part(self, some: slice | list[int], model: Any, processor: Any) -> "_Batch":
        """Those of some rows."""
        which = list(range(len(self.numbers)))[some] if isinstance(some, slice) else some
        numbers, examples = [self.numbers[i] for i in which], [self.examples[i] for i in which]
        pictures, texts = [self.pictures[i] for i in which], [self.texts[i] for i in which]
        if all(isinstance(value, Tensor) and len(value) == len(self.numbers) for value in self.inputs.values()):
            inputs = _trimmed({name: value[some] for name, value in self.inputs.items()})
        else:  # pictures of several sizes in one tensor
            inputs = _processed(model, processor, pictures, texts)
        return _Batch(numbers, examples, pictures, texts, inputs)

    def known(self, model: Any, processor: Any) -> "_Batch":
        """Those whose evidence is known."""
        rows = [i for i, one in enumerate(self.examples) if one.evidence is not None]
        if not rows:
            return _Batch([], [], [], [], {})
        return self if len(rows) == len(self.numbers) else self.part(rows, model, processor)

    def heats(self) -> list[Tensor]:
        """Where the evidence lies in each picture."""
        return [
            heat(one.evidence or (), (picture.shape[0], picture.shape[1]))
            for one, picture in zip(self.examples, self.pictures, strict=True)
        ]


@torch.no_grad()
def ask(
    model: Any,
    processor: Any,
    examples: Iterable[Example],
    contenders: Sequence[Contender],
    budgets: Sequence[int],
    *,
    first: int = 0,
    max_new_tokens: int = 4,
    each: Callable[[int], object] = lambda count: None,
) -> Run:
    """Asks a model all examples by all contenders, greedily, and returns what it answered.

    Examples are taken a few at a time, and each is asked in all ways before the next ones, so that a long list needs no
    more memory than a short one. A contender that refuses, since the model or the method cannot do what is asked, is
    left out from then on, with its reason.

    Args:
        model: A model of transformers that takes encoded features.
        processor: Its processor.
        examples: Pictures and questions.
        contenders: In which ways.
        budgets: Visual tokens, for each contender that has a budget.
        first: Number of the first example.
        max_new_tokens: Most tokens of an answer.
        each: Called with the number of examples done, as for a progress bar.
    """
    run, source, done = Run(), iter(examples), 0
    with _padded_left(processor):
        while some := list(islice(source, CHUNK)):
            pictures = [one.picture() for one in some]
            texts = [prompt_of(processor, one.question) for one in some]
            numbers = list(range(first + done, first + done + len(some)))
            for number, one, picture in zip(numbers, some, pictures, strict=True):
                size = (picture.shape[0], picture.shape[1])
                run.asked.append(Asked(number, one.family, one.question, one.answers, place_of(one.evidence, size)))
            batch = _Batch(numbers, some, pictures, texts, _processed(model, processor, pictures, texts))
            batch = batch.part(_by_length(batch.inputs["attention_mask"]), model, processor)
            for contender in contenders:
                for budget in [None] if contender.method is None else budgets:
                    _ask_all(run, model, processor, batch, contender, budget, max_new_tokens)
            done += len(some)
            each(done)
    return run


def _ask_all(
    run: Run, model: Any, processor: Any, batch: _Batch, contender: Contender, budget: int | None, most: int
) -> None:
    """One contender at one budget: its records, or why it refuses, go to the run."""
    if (contender.name, budget) in run.refused:
        return
    if contender.told and not (batch := batch.known(model, processor)).numbers:
        return
    site = PIXELS if contender.name == BLIND else None if contender.method is None else site_of(contender.method)
    tokens = int(max(seen_tokens(model, batch.inputs))) if site != PIXELS else budget or 1
    size = max(1, min(CHUNK, TOKENS // max(tokens, 1)))
    for start in range(0, len(batch.numbers), size):
        part = batch.part(slice(start, start + size), model, processor)
        try:
            run.records += _answers(run, model, processor, part, contender, budget, most)
        except (ValueError, TypeError, NotImplementedError) as error:
            run.refused[contender.name, budget] = " ".join(str(error).split())
            run.records = [one for one in run.records if (one.method, one.budget) != (contender.name, budget)]
            return


def _answers(
    run: Run, model: Any, processor: Any, batch: _Batch, contender: Contender, budget: int | None, most: int
) -> list[Record]:
    start = time.process_time()
    method = contender.method_from(batch.numbers[0])
    dropper = method if method is not None and site_of(method) == LAYERS else None
    inputs, plans = _inputs(run, model, processor, batch, contender, method, budget)
    with attach(model, dropper, budget, processor=processor) if dropper is not None else nullcontext():
        out = greedy(model, inputs, most)
    spent = (time.process_time() - start) / len(batch.numbers)
    said = processor.tokenizer.batch_decode(out.sequences[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    entropies = entropy_of(out.logits[0]).tolist()
    tokens = seen_tokens(model, inputs, dropper, budget)
    found = zip(batch.numbers, batch.examples, tokens, said, entropies, plans, strict=True)
    return [
        Record(
            number, one.family, contender.name, budget, count, text.strip(), one.right(text), entropy, spent,
            None if plan is None else ninths(plan),
        )
        for number, one, count, text, entropy, plan in found
    ]  # fmt: skip


def _inputs(
    run: Run, model: Any, processor: Any, batch: _Batch, contender: Contender, method: Any, budget: int | None
) -> tuple[Mapping[str, Any], Sequence[Plan | None]]:
    """The inputs of a batch as a contender sees them, and the plans where it makes some."""
    nothing = [None] * len(batch.numbers)
    if contender.name == BLIND:
        return _blind(run, model, processor, batch), nothing
    if method is None or site_of(method) == LAYERS:
        return batch.inputs, nothing
    options = PixelOptions(weights=batch.heats() if contender.told else None)
    inputs, found = with_fewer_tokens(
        Host.of(model, processor), batch.inputs, method, budget, images=batch.pictures, options=options
    )
    return inputs, [one if isinstance(one, Plan) else None for one in found]


def _blind(run: Run, model: Any, processor: Any, batch: _Batch) -> dict[str, Any]:
    """The questions without any picture; where the processor needs one, with a grey one at one token."""
    note = "blind: this processor takes no prompt without a picture, so a gray one at one visual token was shown"
    try:
        texts = [prompt_of(processor, one.question, images=0) for one in batch.examples]
        inputs = _moved(processor(text=texts, padding=True, return_tensors="pt"), model)
        if "input_ids" not in inputs:
            raise ValueError("no token ids")
        return inputs
    except (TypeError, ValueError, AttributeError):
        gray = [np.full_like(picture, 128) for picture in batch.pictures]
        full = _processed(model, processor, gray, batch.texts)
        if note not in run.notes:
            run.notes.append(note)
        from ...methods import Resize

        return with_fewer_tokens(Host.of(model, processor), full, Resize(), 1, images=gray)[0]


def _processed(model: Any, processor: Any, pictures: Sequence[Any], texts: Sequence[str]) -> dict[str, Any]:
    return _moved(
        processor(images=[[picture] for picture in pictures], text=list(texts), padding=True, return_tensors="pt"),
        model,
    )


def _by_length(mask: Tensor) -> list[int]:
    """The prompts by length, so that those of a batch need little padding."""
    found: list[int] = mask.sum(1).argsort(stable=True).tolist()
    return found


def _trimmed(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs without the padding on the left that all prompts have."""
    mask = inputs["attention_mask"]
    most = int(mask.sum(1).max()) if len(mask) else 0
    return {
        name: value[:, -most:] if value.ndim == 2 and value.shape == mask.shape else value
        for name, value in inputs.items()
    }


def _moved(inputs: Mapping[str, Any], model: Any) -> dict[str, Any]:
    return {name: value.to(model.device) if isinstance(value, Tensor) else value for name, value in inputs.items()}


@contextmanager
def _padded_left(processor: Any) -> Iterator[None]:
    """Within the block, prompts of a batch end together, as `generate` needs them."""
    tokenizer = processor.tokenizer
    before, tokenizer.padding_side = tokenizer.padding_side, "left"
    try:
        yield
    finally:
        tokenizer.padding_side = before
