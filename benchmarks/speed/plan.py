"""Time of planning against OpenCV's Gaussian pyramid of the same float32 RGB image, in one run.

    python benchmarks/speed/plan.py [PHOTO] [--size 1024] [--budget 256] [--threads 1]
    python benchmarks/speed/plan.py [PHOTO] --all-methods [--sizes 512,1024,4096] [--budget 256] [--threads 1]

Prints medians of process CPU time, interleaved after warm-up, and ratios to the 5-level pyramid. PHOTO (default: the
one that the repository ships) is resized to the square SIZE. `--all-methods` plans with every registered method at each
of the sizes.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

import pyrascope as ps
from pyrascope.allocation.contracts.allocator import Allocator
from pyrascope.io import as_tensor
from pyrascope.methods.named import UNAIDED
from pyrascope.signal.resample import resize

BASE = "OpenCV, 5 levels"
SHIPPED = Path(__file__).parents[2] / "examples" / "data" / "kodim23.png"


def medians(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each candidate, all of them once a round."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for round_number in range(-2, rounds):
        for name, run in candidates.items():
            start = time.process_time()
            run()
            if round_number >= 0:
                times[name].append(time.process_time() - start)
    return {name: median(values) for name, values in times.items()}


def opencv_pyramid(image: np.ndarray) -> list[np.ndarray]:
    """Five levels of OpenCV's Gaussian pyramid."""
    levels = [image]
    while len(levels) < 5:
        levels.append(cv2.pyrDown(levels[-1]))
    return levels


def square(photo: Path, size: int) -> tuple[Tensor, np.ndarray]:
    """The photograph as a square, as a tensor and as OpenCV has it."""
    image = resize(as_tensor(photo)[0], (size, size)).clamp(0, 1)
    return image, np.ascontiguousarray(image.permute(1, 2, 0).numpy())


def planning(image: Tensor, budget: int, methods: Iterable[Allocator]) -> dict[str, Callable[[], object]]:
    """Planning by each method, by its name."""
    return {f"plan {method!r}": partial(ps.plan, image, budget, method) for method in methods}


def all_methods(photo: Path, sizes: list[int], budget: int, rounds: int) -> Table:
    """Time of every registered method at every size."""
    found = []
    for size in track(sizes, "sizes", console=Console(stderr=True)):
        image, array = square(photo, size)
        plans = planning(image, budget, [kind() for kind in UNAIDED.values()])
        found.append(medians({BASE: partial(opencv_pyramid, array)} | plans, rounds))
    table = Table("what", *(f"{size}x{size}: ms (times OpenCV)" for size in sizes))
    for name in found[0]:
        table.add_row(name, *(f"{times[name] * 1e3:.1f} ({times[name] / times[BASE]:.1f})" for times in found))
    return table


def one_size(photo: Path, size: int, budget: int, rounds: int) -> Table:
    """Time of the first methods, of gathering and of rendering at one size."""
    image, array = square(photo, size)
    plan = ps.plan(image, budget)
    methods: list[Allocator] = [ps.methods.RateDistortion(), ps.methods.RateDistortion(aspect=1)]
    methods += [ps.methods.Frequency(), ps.methods.Uniform(), ps.methods.Random(), ps.methods.Resize()]
    candidates = {BASE: partial(opencv_pyramid, array)} | planning(image, budget, methods)
    candidates["gather"] = lambda: ps.gather(image, plan)
    candidates["render"] = lambda: ps.render(plan, ps.gather(image, plan))
    found = medians(candidates, rounds)
    table = Table("what", "ms", "times OpenCV")
    for name, seconds in found.items():
        table.add_row(name, f"{seconds * 1e3:.1f}", f"{seconds / found[BASE]:.1f}")
    return table


def main() -> None:
    """Times planning and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--all-methods", action="store_true", help="every registered method at each of --sizes")
    parser.add_argument("--sizes", default="512,1024,4096")
    parser.add_argument("--budget", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    sizes = [int(word) for word in options.sizes.split(",")] if options.all_methods else [options.size]
    if options.all_methods:
        table = all_methods(options.photo, sizes, options.budget, options.rounds)
    else:
        table = one_size(options.photo, options.size, options.budget, options.rounds)
    console = Console(width=130)
    console.print(table)
    console.print(
        f"{', '.join(f'{size}x{size}' for size in sizes)} RGB float32, {options.budget} tokens, "
        f"{options.threads} thread(s), torch {torch.__version__}, OpenCV {cv2.__version__}, {date.today()}"
    )


if __name__ == "__main__":
    main()
