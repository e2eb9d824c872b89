"""Time of the Gaussian and Laplacian pyramid, 5 levels, float32, one thread: compiled kernels, torch, OpenCV.

    python benchmarks/pyramids.py [--seconds 2] [--sizes 512x512,1024x1024,...]

Candidates are interleaved; numbers are medians of process CPU time in ms, and ratios to OpenCV in the same run. Batches
go to OpenCV plane by plane. `numba (NumPy)` is the kernels on a NumPy array, which copies level 0.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import pyrascope as ps
from pyrascope.signal import backend

LEVELS = 5
SIZES = "512x512,1024x1024,511x769,4096x4096,8x3x512x512"
Array = NDArray[Any]
Candidates = dict[str, Callable[[], object]]


def cv_gaussian(planes: list[Array]) -> list[list[Array]]:
    pyramids = []
    for plane in planes:
        pyramid = [plane]
        while len(pyramid) < LEVELS:
            pyramid.append(cv2.pyrDown(pyramid[-1]))
        pyramids.append(pyramid)
    return pyramids


def cv_laplacian(planes: list[Array]) -> list[list[Array]]:
    return [
        [cv2.subtract(a, cv2.pyrUp(b, dstsize=a.shape[::-1])) for a, b in pairwise(levels)] + levels[-1:]
        for levels in cv_gaussian(planes)
    ]


def cv_reconstruct(pyramids: list[list[Array]]) -> list[Array]:
    images = []
    for bands in pyramids:
        image = bands[-1]
        for band in bands[-2::-1]:
            image = cv2.add(band, cv2.pyrUp(image, dstsize=band.shape[::-1]))
        images.append(image)
    return images


def using(name: backend.Backend, work: Callable[[], object]) -> object:
    with backend.use(name):
        return work()


def candidates(shape: tuple[int, ...]) -> dict[str, Candidates]:
    array = np.random.default_rng(0).random(shape, np.float32)
    image, planes = torch.from_numpy(array), list(array.reshape(-1, *shape[-2:]))
    bands, theirs = ps.laplacian_pyramid(image, LEVELS), cv_laplacian(planes)
    build, detail, back = ps.gaussian_pyramid, ps.laplacian_pyramid, ps.laplacian_reconstruct
    works: dict[str, tuple[Callable[[], object], ...]] = {
        "Gaussian": (partial(build, image, LEVELS), partial(build, array, LEVELS), partial(cv_gaussian, planes)),
        "Laplacian": (partial(detail, image, LEVELS), partial(detail, array, LEVELS), partial(cv_laplacian, planes)),
        "reconstruct": (
            partial(back, bands),
            partial(back, [band.numpy() for band in bands]),
            partial(cv_reconstruct, theirs),
        ),
    }
    return {
        name: {
            "OpenCV": opencv,
            "numba": partial(using, "numba", ours),
            "numba (NumPy)": partial(using, "numba", arrays),
            "torch": partial(using, "torch", ours),
        }
        for name, (ours, arrays, opencv) in works.items()
    }


def medians(works: Candidates, seconds: float) -> dict[str, float]:
    """Median CPU time of each in ms, taken in turns for so many seconds, at least five turns."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    start, turns = time.monotonic(), 0
    while turns < 5 or (time.monotonic() - start < seconds and turns < 500):
        for name, work in works.items():
            began = time.process_time_ns()
            result = work()
            times[name].append((time.process_time_ns() - began) / 1e6)
            del result
        turns += 1
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--sizes", default=SIZES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    began = time.perf_counter()
    using("numba", partial(ps.reduce, torch.ones(4, 4)))
    first = time.perf_counter() - began
    table = Table(title=f"{LEVELS} levels, float32, one thread, CPU ms (ratio to OpenCV), {date.today()}")
    for column in ("size", "pyramid", "OpenCV", "numba", "numba (NumPy)", "torch"):
        table.add_column(column, justify="left" if column in ("size", "pyramid") else "right")
    for size in arguments.sizes.split(","):
        for name, works in candidates(tuple(map(int, size.split("x")))).items():
            found = medians(works, arguments.seconds)
            base = found.pop("OpenCV")
            cells = [f"{value:.2f} ({value / base:.2f})" for value in found.values()]
            table.add_row(size, name, f"{base:.2f}", *cells)
    console = Console(width=110)
    console.print(table)
    console.print(f"first use of the kernels in this process: {first:.1f} s")


if __name__ == "__main__":
    main()
