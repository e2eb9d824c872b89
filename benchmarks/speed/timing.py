"""Candidates timed in turns, so that what disturbs the machine disturbs all of them alike."""

import random
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Work = Callable[[], object]
Maker = Callable[[], Work]


@dataclass(frozen=True)
class Task:
    """One thing to do at one size, and who does it; a maker prepares what is not timed, and may fail."""

    name: str
    size: str
    makers: Mapping[str, Maker] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """Median CPU time in ms of those that did it, and why the others did not."""

    times: dict[str, float]
    failures: dict[str, str]


def measure(task: Task, seconds: float, cold: bool = False, least: int = 5) -> Outcome:
    """Median process CPU time of each candidate, all in turns for so many seconds, at least `least` turns.

    Each is called once more before each call that counts, unless `cold`: then it also pays for the caches that the
    candidate before it has filled with its own, a fixed price of code and data that small images feel most.
    """
    works, failures = dict[str, Work](), dict[str, str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, maker in task.makers.items():
            try:
                works[name] = maker()
                works[name]()  # warm: caches filled, code compiled
            except Exception as error:  # whatever a peer raises is its answer
                works.pop(name, None)
                failures[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:110]}"
        times = turns(works, seconds, cold, least)
    return Outcome({name: statistics.median(values) for name, values in times.items()}, failures)


def turns(works: Mapping[str, Work], seconds: float, cold: bool, least: int) -> dict[str, list[float]]:
    """CPU times in ms of each, turn by turn, in a new order each turn: what ran before leaves its mark on caches."""
    times: dict[str, list[float]] = {name: [] for name in works}
    order, shuffle = list(works), random.Random(0).shuffle
    start, count = time.monotonic(), 0
    while count < least or (time.monotonic() - start < seconds and count < 500):
        shuffle(order)
        for name in order:
            if not cold:
                works[name]()
            began = time.process_time_ns()
            result = works[name]()
            times[name].append((time.process_time_ns() - began) / 1e6)
            del result
        count += 1
    return times
