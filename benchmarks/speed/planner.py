"""What the planner's distortions cost, and what they are worth: time against dB for each way to find them.

    python benchmarks/speed/planner.py FOLDER_OF_IMAGES [--budgets 64,128,256,512] [--cell 16] [--rounds 5]

Each variant finds the distortion of all boxes of aspect 4; the plan that follows is rendered and compared with the plan
of direct distortions. Time is process CPU time of the distortions alone, the median over images and rounds taken in
turns, as a multiple of OpenCV's 5-level Gaussian pyramid of the same float32 RGB image. All recursions run in the same
compiled loops, which always take twelve taps: for shorter filters the time is an upper bound.
"""

import argparse
import time
from collections.abc import Callable
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
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.plan import grid_of
from pyrascope.allocation.tree.compiled import PLANNING, Filters, opponent_by_kernels, recursion_by_kernels
from pyrascope.allocation.tree.distortion import BoxSums, _spread, direct_distortion, levels_of, recursive_distortion
from pyrascope.allocation.tree.measure import Measure
from pyrascope.allocation.tree.partition import plan_partitions
from pyrascope.allocation.tree.tree import split_tree
from pyrascope.evaluation.pictures.metrics import psnr
from pyrascope.io import as_tensor
from pyrascope.signal.ripmap import LevelPair, halve_both

Judge = Callable[[Scene, int, list[LevelPair]], BoxSums]
FOUR: Filters = (9 / 16, -1 / 16, 0, 0, 0, 0), PLANNING[1]
LINEAR: Filters = PLANNING[0], (0, 0.25, 0.75, 0)
HAAR: Filters = (0.5, 0, 0, 0, 0, 0), (0, 0, 1, 0)


def recursion(planes: Tensor, cell: int, levels: list[LevelPair], above: int, filters: Filters) -> BoxSums:
    """The recursion of planes that are level (above, above) of an image."""
    size = (planes.shape[-2] * 2**above, planes.shape[-1] * 2**above)
    found = recursion_by_kernels(planes, cell, max(map(max, levels)), 2, Measure(size, None), above, filters)
    if found is None:
        raise RuntimeError("this benchmark needs Numba; install it")
    return found


def with_colour(start: int | None, filters: Filters = PLANNING) -> Judge:
    """Luminance, and the two colour differences from 1 / 2**start of the resolution on; None: no colour."""

    def judge(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
        planes = opponent_by_kernels(scene.image)
        if planes is None:
            raise RuntimeError("this benchmark needs Numba; install it")
        found = recursion(planes[0], cell, levels, 0, filters)
        if start is not None:
            colour = planes[1] if start == 1 else halve_both(planes[1])
            own = {level: (max(level[0] - start, 0), max(level[1] - start, 0)) for level in levels}
            lost = recursion(colour, cell, sorted(set(own.values()), key=sum), start, filters)
            for level in levels[1:]:
                found[level] += _spread(lost[own[level]], start, level, found[level].shape)
        return found

    return judge


def rgb(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
    """All three planes at full resolution."""
    return recursion(scene.image, cell, levels, 0, PLANNING)


VARIANTS: dict[str, Judge] = {
    "direct (each level to full size)": lambda scene, cell, levels: direct_distortion(scene.image, cell, levels, None),
    "recursion, RGB": rgb,
    "luminance, colours from 1/2": with_colour(1),
    "luminance, colours from 1/4": with_colour(2),
    "default (1/4, or 1/2 where colours need it)": lambda scene, cell, levels: recursive_distortion(
        scene.image, cell, levels, None
    ),
    "luminance only": with_colour(None),
    "four taps down, colours from 1/2": with_colour(1, FOUR),
    "linear up, colours from 1/2": with_colour(1, LINEAR),
    "Haar, colours from 1/2": with_colour(1, HAAR),
}


def opencv_pyramid(image: Tensor) -> Callable[[], object]:
    """Returns what makes five levels of OpenCV's Gaussian pyramid of an image (c, h, w)."""
    array = np.ascontiguousarray(image.permute(1, 2, 0).numpy())

    def make() -> object:
        levels = [array]
        while len(levels) < 5:
            levels.append(cv2.pyrDown(levels[-1]))
        return levels

    return make


def timed(scene: Scene, cell: int, rounds: int) -> dict[str, list[float]]:
    """CPU seconds of OpenCV's pyramid and of each variant, taken in turns after one to warm up; the slow one once."""
    levels = levels_of(split_tree((grid_of(scene.size, cell),), 4), 0)
    works: dict[str, Callable[[], object]] = {"OpenCV": opencv_pyramid(scene.image)}
    for name, judge in VARIANTS.items():
        works[name] = partial(judge, scene, cell, levels)
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(-1, rounds):
        for name, work in works.items():
            if turn == 0 or not name.startswith("direct"):
                began = time.process_time()
                work()
                if turn >= 0:
                    found[name].append(time.process_time() - began)
    return found


def main() -> None:
    """Measures all variants on all images of a folder and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", default="64,128,256,512")
    parser.add_argument("--cell", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    budgets = [int(word) for word in options.budgets.split(",")]
    files = sorted(file for file in options.folder.iterdir() if file.suffix in (".png", ".jpg"))
    if not files:
        parser.error(f"folder must hold .png or .jpg images, got none in {options.folder}")
    shown: dict[str, list[list[float]]] = {name: [] for name in VARIANTS}
    times: dict[str, list[float]] = {name: [] for name in ["OpenCV", *VARIANTS]}
    for file in track(files, "planning", console=Console(stderr=True)):
        scene = Scene(as_tensor(file)[0])
        for name, seconds in timed(scene, options.cell, options.rounds).items():
            times[name] += seconds
        for name, judge in VARIANTS.items():
            plans = [plan_partitions([scene], budget, options.cell, 4, name, judge)[0] for budget in budgets]
            shown[name].append([psnr(ps.render(plan, ps.gather(scene.image, plan)), scene.image) for plan in plans])
    base = np.array(shown[next(iter(VARIANTS))]).mean(0)
    pyramid = median(times["OpenCV"])
    table = Table("distortions", "times OpenCV", *(f"{budget} tokens, dB" for budget in budgets))
    for name in VARIANTS:
        means = np.array(shown[name]).mean(0)
        first = name == next(iter(VARIANTS))
        cells = [f"{value:.2f}" for value in means] if first else [f"{value:+.3f}" for value in means - base]
        table.add_row(name, f"{median(times[name]) / pyramid:.2f}", *cells, end_section=first)
    console = Console(width=120)
    console.print(table)
    console.print(f"{len(files)} images, cell {options.cell}, OpenCV {pyramid * 1e3:.2f} ms, {date.today()}")


if __name__ == "__main__":
    main()
