"""What the trained measure of difficulty costs beside band energy and a plan: medians of process CPU time, one thread.

python benchmarks/reading/difficulty_cost.py [--rounds 30]
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from rich.console import Console
from rich.table import Table

import pyrascope as ps
from pyrascope.allocation.difficulty.difficulty import Complexity
from pyrascope.allocation.difficulty.trained_difficulty import TrainedDifficulty, view_of

SIDES = (512, 768, 1024, 2048)
LIMIT = 5.0
"""Milliseconds that the estimate may cost."""


def medians(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Returns the median CPU time of each task in ms; rounds are interleaved."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, task in tasks.items():
            begin = time.process_time_ns()
            task()
            if number:  # the first one warms up
                times[name].append((time.process_time_ns() - begin) / 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="What the trained measure of difficulty costs.")
    parser.add_argument("--rounds", type=int, default=30, help="how often each is timed (default 30)")
    rounds = max(parser.parse_args().rounds, 1)
    torch.set_num_threads(1)
    trained, plain = TrainedDifficulty(), Complexity()
    table = Table("image", "view, ms", "view and estimate, ms", f"below {LIMIT:g} ms", "complexity, ms", "plan, ms")
    for side in SIDES:
        image = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
        scene = ps.Scene(image)
        tasks: dict[str, Callable[[], object]] = {
            "view": partial(view_of, image),
            "estimate": partial(trained, scene),
            "complexity": partial(plain, scene),
            "plan": partial(ps.plan, image, 256),
        }
        found = medians(tasks, rounds)
        within = "yes" if found["estimate"] < LIMIT else "no"
        texts = {name: f"{value:.2f}" for name, value in found.items()}
        table.add_row(f"{side}x{side}", texts["view"], texts["estimate"], within, texts["complexity"], texts["plan"])
    Console().print(table)


if __name__ == "__main__":
    main()
