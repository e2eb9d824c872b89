"""Time of planning against OpenCV's Gaussian pyramid of the same float32 RGB image, in one run.

    python benchmarks/plan.py [PHOTO] [--size 1024] [--budget 256] [--threads 1]

Prints medians of wall time, interleaved after warm-up, and ratios to the 5-level pyramid. PHOTO (default: the one that
the repository ships) is resized to the square SIZE.
"""

import argparse
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import pyrascope as ps
from pyrascope.io import as_tensor
from pyrascope.signal.resample import resize

SHIPPED = Path(__file__).parent.parent / "examples" / "data" / "kodim23.png"


def medians(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each candidate, all of them once a round."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for round_number in range(-2, rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            if round_number >= 0:
                times[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def opencv_pyramid(image: np.ndarray) -> list[np.ndarray]:
    """Five levels of OpenCV's Gaussian pyramid."""
    levels = [image]
    while len(levels) < 5:
        levels.append(cv2.pyrDown(levels[-1]))
    return levels


def main() -> None:
    """Times planning and gathering and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--budget", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    image = resize(as_tensor(options.photo)[0], (options.size, options.size)).clamp(0, 1)
    array = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    methods = [ps.methods.RateDistortion(), ps.methods.RateDistortion(aspect=1), ps.methods.Frequency()]
    plan = ps.plan(image, options.budget)
    candidates: dict[str, Callable[[], object]] = {"OpenCV, 5 levels": lambda: opencv_pyramid(array)}
    for method in [*methods, ps.methods.Uniform(), ps.methods.Random(), ps.methods.Resize()]:
        candidates[f"plan {method!r}"] = lambda method=method: ps.plan(image, options.budget, method)  # type: ignore[misc]
    candidates["gather"] = lambda: ps.gather(image, plan)
    candidates["render"] = lambda: ps.render(plan, ps.gather(image, plan))
    found = medians(candidates, options.rounds)
    base = found["OpenCV, 5 levels"]
    table = Table("what", "ms", "times OpenCV")
    for name, seconds in found.items():
        table.add_row(name, f"{seconds * 1e3:.1f}", f"{seconds / base:.1f}")
    console = Console(width=110)
    console.print(table)
    console.print(
        f"{options.size}x{options.size} RGB float32, {options.budget} tokens, {options.threads} thread(s), "
        f"torch {torch.__version__}, OpenCV {cv2.__version__}, {date.today()}"
    )


if __name__ == "__main__":
    main()
