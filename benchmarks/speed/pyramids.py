"""Time of the pyramids against the libraries that people use for them, in one run, and the project's bars.

    python benchmarks/speed/pyramids.py [--threads 1] [--seconds 1] [--cold] [--sizes 512x512,...] [--only steerable]

Candidates take turns; numbers are medians of process CPU time, as ratios to the first column, whose time in ms is
given. Gaussian and Laplacian pyramids have 5 levels of float32; OpenCV, pyrtools and scikit-image get batches plane
by plane. `ours (NumPy)` is given arrays, `plain torch` does without compiled kernels. Steerable sizes are
"rows x columns, orientations x scales"; "FFTs alone" are the transforms of our own build, their results dropped.
"""

import argparse
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import memory
import peers
import pyrascope as ps
from bars import bars
from pyrascope.signal import backend
from timing import Maker, Outcome, Task, Work, measure
from transforms import losses, steerable_build, steerable_reconstruct

SIZES = "512x512,1024x1024,4096x4096,8x3x512x512,511x769"
AWKWARD = ((1, 1), (9, 9), (1, 64), (33, 47))
STEERABLE = ((512, 4, False), (1024, 8, False), (512, 4, True))
LOSS = (8, 3, 256, 256)


def ours(call: Any, array: Any) -> dict[str, Maker]:
    """The three ways to run one of our functions: torch in, NumPy in, and torch without kernels."""

    def in_torch() -> Work:
        return lambda: _using("torch", call, torch.from_numpy(array))

    return {
        "ours": lambda: partial(call, torch.from_numpy(array)),
        "ours (NumPy)": lambda: partial(call, array),
        "plain torch": in_torch,
    }


def _using(name: backend.Backend, call: Any, *given: Any) -> object:
    with backend.use(name):
        return call(*given)


def our_reconstruct(array: peers.Array) -> dict[str, Maker]:
    bands = ps.laplacian_pyramid(torch.from_numpy(array), peers.LEVELS)
    arrays = [band.numpy() for band in bands]
    return {
        "ours": lambda: partial(ps.laplacian_reconstruct, bands),
        "ours (NumPy)": lambda: partial(ps.laplacian_reconstruct, arrays),
        "plain torch": lambda: partial(_using, "torch", ps.laplacian_reconstruct, bands),
    }


def theirs(of: dict[str, peers.Peer], array: peers.Array) -> dict[str, Maker]:
    return {name: partial(peer, array) for name, peer in of.items()}


def by_size(size: str) -> Iterator[Task]:
    """The Gaussian and the Laplacian pyramid of one size."""
    shape = tuple(map(int, size.split("x")))
    array = np.random.default_rng(0).random(shape, np.float32)
    octets = (array * 255).astype(np.uint8)
    build, detail = (
        partial(ps.gaussian_pyramid, levels=peers.LEVELS),
        partial(ps.laplacian_pyramid, levels=peers.LEVELS),
    )
    opencv = {"OpenCV": partial(peers.opencv_uint8, octets)}
    yield Task("Gaussian", size, theirs(peers.GAUSSIAN, array) | ours(build, array))
    yield Task("Gaussian of uint8", size, opencv | ours(build, octets))
    yield Task("Laplacian", size, theirs(peers.LAPLACIAN, array) | ours(detail, array))
    yield Task("reconstruct", size, theirs(peers.RECONSTRUCT, array) | our_reconstruct(array))


def tasks(sizes: list[str]) -> Iterator[Task]:
    for size in sizes:
        yield from by_size(size)
    yield Task("Laplacian loss", "x".join(map(str, LOSS)), losses(LOSS))
    for side, orientations, complex in STEERABLE:
        name = f"{side}x{side} {orientations}x4{' complex' * complex}"
        yield Task("steerable", name, steerable_build(side, orientations, complex))
        yield Task("steerable reconstruct", name, steerable_reconstruct(side, orientations, complex))


def table(title: str, rows: dict[tuple[str, str], Outcome], base: str) -> Table:
    """Ratios to `base`, one row a task."""
    names = list(dict.fromkeys(name for o in rows.values() for name in (*o.times, *o.failures) if name != base))
    names.sort(key=lambda name: not name.startswith(("ours", "plain")))
    shown = Table(title=title)
    for column in ("what", "size", f"{base}, ms", *names):
        shown.add_column(column, justify="left" if column in ("what", "size") else "right")
    for (task, size), outcome in rows.items():
        unit = outcome.times.get(base)
        cells = [
            "fails" if name in outcome.failures else "" if name not in outcome.times or not unit else
            f"{outcome.times[name] / unit:.2f}" for name in names
        ]  # fmt: skip
        shown.add_row(task, size, f"{unit:.2f}" if unit else "fails", *cells)
    return shown


def refusals(found: dict[tuple[str, str], Outcome]) -> Iterator[tuple[str, str, str]]:
    """(library and task, size, its answer), of what was timed and of the Laplacian at awkward sizes."""
    for (task, size), outcome in found.items():
        yield from ((f"{name}, {task}", size, why) for name, why in outcome.failures.items())
    detail = partial(ps.laplacian_pyramid, levels=peers.LEVELS)
    for shape in AWKWARD:
        array = np.random.default_rng(0).random(shape, np.float32)
        outcome = measure(Task("", "", theirs(peers.LAPLACIAN, array) | ours(detail, array)), 0, True, 1)
        yield from ((f"{name}, Laplacian", "x".join(map(str, shape)), why) for name, why in outcome.failures.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row of a table")
    parser.add_argument("--cold", action="store_true", help="count the price of caches that others have filled, too")
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--only", default="", help="rows whose name begins so")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    console, found = Console(width=140), dict[tuple[str, str], Outcome]()
    for task in tasks(arguments.sizes.split(",")):
        if task.name.startswith(arguments.only):
            console.print(f"[dim]{task.name} {task.size}")
            found[task.name, task.size] = measure(task, arguments.seconds, arguments.cold)
    heading = f"{arguments.threads} thread(s), {date.today()}: CPU time as a ratio to"
    for base in ("OpenCV", "plain L1", "FFTs alone"):
        if rows := {key: outcome for key, outcome in found.items() if base in (*outcome.times, *outcome.failures)}:
            console.print(table(f"{heading} {base}", rows, base))
    answers = Table("library, task", "size", "what it raises", title="Refused or failed")
    for row in refusals(found):
        answers.add_row(*row)
    console.print(answers)
    verdicts = Table("bar", "at most", "measured", "", title="Bars")
    for bar in bars(found, memory.extra_in_subprocess(4096, peers.LEVELS) if not arguments.only else None):
        measured = "" if bar.measured is None else f"{bar.measured:.3f}"
        verdicts.add_row(bar.what, f"{bar.greatest:.2f}", measured, bar.verdict)
    console.print(verdicts)


if __name__ == "__main__":
    main()
