"""The same questions in several processes: each has the model, and takes a few examples at a time."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from ...builtin.look import trained_look
from ...models.stock.load import load
from ...models.stock.support import transformers
from .answering import CHUNK, Run, ask
from .contenders import contenders
from .examples import Example


def ask_in_parallel(
    name: str,
    examples: Iterable[Example],
    methods: Sequence[str],
    budgets: Sequence[int],
    *,
    workers: int,
    max_new_tokens: int = 4,
    each: Callable[[int], object] = lambda count: None,
) -> Run:
    """Returns what `ask` returns, from several processes of one thread each.

    Args:
        name: Folder or hub id of the model, which each process loads.
        examples: As `ask`; those that no process has time for are not made yet.
        methods: Names, as `contenders`.
        budgets: As `ask`.
        workers: Processes.
        max_new_tokens: As `ask`.
        each: As `ask`.
    """
    parts: dict[int, Run] = {}
    waiting: dict[Future[Run], tuple[int, int]] = {}
    done = 0

    def collect() -> None:
        nonlocal done
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            start, count = waiting.pop(future)
            parts[start] = future.result()
            done += count
            each(done)

    context = get_context("spawn")  # a fork after torch has started its threads may hang
    with ProcessPoolExecutor(workers, context) as pool:
        for start, some in _chunks(examples):
            while len(waiting) >= 2 * workers:
                collect()
            waiting[pool.submit(_ask, name, some, start, methods, budgets, max_new_tokens)] = start, len(some)
        while waiting:
            collect()
    return joined(parts)


def joined(parts: dict[int, Run]) -> Run:
    """Returns one run of several, by the numbers of their first examples; who was refused in one is left out."""
    whole = Run()
    for _, part in sorted(parts.items()):
        whole.asked += part.asked
        whole.records += part.records
        whole.refused |= part.refused
        whole.notes += [note for note in part.notes if note not in whole.notes]
    whole.records = [one for one in whole.records if (one.method, one.budget) not in whole.refused]
    return whole


def _chunks(examples: Iterable[Example]) -> Iterator[tuple[int, list[Example]]]:
    source, start = iter(examples), 0
    while some := list(islice(source, CHUNK)):
        yield start, some
        start += len(some)


@functools.cache
def _loaded(name: str) -> tuple[Any, Any]:
    """The model and its processor, once a process."""
    torch.set_num_threads(1)
    transformers().logging.set_verbosity_error()
    transformers().logging.disable_progress_bar()
    return load(name)


def _ask(
    name: str, examples: list[Example], first: int, methods: Sequence[str], budgets: Sequence[int], most: int
) -> Run:
    rows = contenders(methods, trained_look(Path(name)))
    return ask(*_loaded(name), examples, rows, budgets, first=first, max_new_tokens=most)
