"""Time to the first token and peak memory against visual tokens, at the three sites, beside the stock model.

    OMP_NUM_THREADS=1 python benchmarks/speed/vlm.py [--shape smolvlm-256m|qwen2.5-vl-3b-cut] [--budgets 32,64,128,256]
        [--turns 3] [--json vlm.json]

Weights are random and numbers are float32: what is timed is arithmetic, not answers. Each figure is the median CPU time
of one process and one thread, all candidates in turns, each called once before it counts; ratios hold within a run.
The processor's own time is not in them; planning, the tower, what is done to the prompt and the first token are. Peak
memory is that of a fresh process, beyond what it had with the model loaded.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

import pyrascope as ps
from memory import status
from timing import turns
from vlm_shapes import Case, qwen25_3b_cut, smolvlm_256m

SHAPES: Mapping[str, Callable[[], Case]] = {"smolvlm-256m": smolvlm_256m, "qwen2.5-vl-3b-cut": qwen25_3b_cut}
STOCK, TOWER = "stock", "stock: tower alone"


@torch.no_grad()
def first_token(case: Case) -> None:
    """Prefill and one token."""
    case.model.generate(**case.inputs, max_new_tokens=1, do_sample=False)


@torch.no_grad()
def tower(case: Case) -> None:
    """The vision part of the stock model."""
    names = ("pixel_values", "pixel_attention_mask", "image_grid_thw")
    case.model.base_model.get_image_features(**{name: case.inputs[name] for name in names if name in case.inputs})


def attached(case: Case, method: Any, budget: int) -> Callable[[], None]:
    """The first token with a method attached."""

    def work() -> None:
        with ps.attach(case.model, method, budget=budget, processor=case.processor):
            first_token(case)

    return work


def candidates(case: Case, budgets: list[int]) -> dict[str, Callable[[], None]]:
    """Who is timed, by name."""
    methods = {
        "pixels: RateDistortion(aspect=1)": ps.methods.RateDistortion(aspect=1),
        "pixels: Resize": ps.methods.Resize(),
        "pixels: CoarseToFine(Zoom)": ps.methods.CoarseToFine(method=ps.methods.Zoom()),
        "features: DivPrune": ps.reducers.DivPrune(),
        "features: Random": ps.reducers.Random(),
    }
    deep = 1 - 2 / case.model.config.get_text_config().num_hidden_layers  # FastV's first two layers see all tokens
    layers = {"PyramidDrop": (ps.droppers.PyramidDrop(), 3 / 10), "FastV": (ps.droppers.FastV(), 1 - deep * 15 / 16)}
    full = {name: methods[name] for name in ("pixels: RateDistortion(aspect=1)", "features: Random")}
    out: dict[str, Callable[[], None]] = {STOCK: lambda: first_token(case), TOWER: lambda: tower(case)}
    for budget in budgets:
        out |= {f"{name}, B={budget}": attached(case, method, budget) for name, method in methods.items()}
    for name, (dropper, share) in layers.items():  # some layers see all tokens, so the mean cannot be as small
        mean = round(case.tokens * share)
        out[f"layers: {name}, mean {mean}"] = attached(case, dropper, mean)
    return out | {f"{name}, B={case.tokens}": attached(case, method, case.tokens) for name, method in full.items()}


def memory_of(shape: str, name: str, budgets: str) -> float:
    """MB that a candidate needs beyond the loaded model, in a fresh process."""
    command = [sys.executable, __file__, "--shape", shape, "--budgets", budgets, "--memory-of", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def peak(work: Callable[[], None]) -> float:
    """MB beyond what this process has now, at most, while `work` runs."""
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    work()
    return (status("VmHWM") - before) / 1e6


def report(shape: str, tokens: int, times: Mapping[str, float], memory: Mapping[str, float]) -> None:
    """Prints the table."""
    table = Table(title=f"{shape}, {tokens} visual tokens in full")
    for column in ("candidate", "CPU s", "stock / this", "peak MB"):
        table.add_column(column, justify="left" if column == "candidate" else "right")
    for name, value in times.items():
        table.add_row(name, f"{value:.2f}", f"{times[STOCK] / value:.2f}", f"{memory[name]:.0f}" if memory else "")
    Console(width=120).print(table)


def main() -> None:
    """Runs what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=list(SHAPES), default="smolvlm-256m")
    parser.add_argument("--budgets", default="64")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="regular expression: which candidates, beside stock")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    case = SHAPES[arguments.shape]()
    works = candidates(case, [int(budget) for budget in arguments.budgets.split(",")])
    works = {name: work for name, work in works.items() if name == STOCK or re.search(arguments.only, name)}
    if arguments.memory_of:
        print(peak(works[arguments.memory_of]))
        return
    found = turns(works, seconds=0, cold=True, least=arguments.turns + 1)  # the first turn warms up
    times = {name: statistics.median(values[1:]) / 1000 for name, values in found.items()}
    memory = {}
    if not arguments.no_memory:
        memory = {name: memory_of(arguments.shape, name, arguments.budgets) for name in works}
    report(arguments.shape, case.tokens, times, memory)
    if arguments.json:
        record = {"shape": arguments.shape, "tokens": case.tokens, "seconds": times, "peak MB": memory}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
