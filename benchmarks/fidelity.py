"""How well plans show photographs, in dB over the best plain resize to as many tokens, with what each part is worth.

    python benchmarks/fidelity.py FOLDER_OF_IMAGES [--budgets 64,128,256,512] [--cell 16]

Rows are variants of the plan or of the tokens:

* `aspect 1`, `aspect 2`, `aspect 4` (the default): how far a box may be from square;
* `gain direct`, `gain luma`, `gain Haar luma`, `gain Laplacian`: what the planner takes for the distortion of a box,
  for aspect 4 (but Laplacian energy, which has no axes, for aspect 1; that is `Frequency`);
* `soft tokens`: the tokens of the aspect-1 plan taken from Burt-Adelson levels and expanded by their own filter, level
  by level as a whole, which flatters them (a real token does not see its neighbours' level);
* `uniform`, `random`: plans that do not look.

The resize takes the better of Lanczos and cubic, down and up, for each image.
"""

import argparse
import math
from collections.abc import Callable
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

import pyrascope as ps
from pyrascope.allocation.allocator import Scene
from pyrascope.allocation.distortion import BoxSums, box_sums, pair_sums, recursive_distortion
from pyrascope.allocation.measure import Measure
from pyrascope.allocation.partition import plan_partitions
from pyrascope.evaluation.metrics import psnr
from pyrascope.io import as_tensor
from pyrascope.methods.resize import resize_grid
from pyrascope.signal.resample import resize
from pyrascope.signal.ripmap import LevelPair

Shown = Callable[[Tensor, int, int], Tensor]


def luma(image: Tensor) -> Tensor:
    """Returns BT.601 luma (1, h, w) of an RGB image."""
    return (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True)


def luma_gain(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
    """The recursion on luma only."""
    return recursive_distortion(luma(scene.image), cell, levels, None)


def haar_gain(scene: Scene, cell: int, levels: list[LevelPair]) -> BoxSums:
    """The recursion with Haar filters on luma: means of pairs, repeated."""
    measure = Measure(scene.size, None)
    maps, found = {(0, 0): luma(scene.image)}, {(0, 0): box_sums(torch.zeros(scene.size), (cell, cell))}
    for level in levels[1:]:
        axis = 0 if level[0] >= level[1] else 1
        finer = (level[0] - 1, level[1]) if axis == 0 else (level[0], level[1] - 1)
        fine = maps[finer]
        size = fine.shape[axis + 1]
        even = fine if size % 2 == 0 else torch.cat([fine, fine.narrow(axis + 1, size - 1, 1)], axis + 1)
        maps[level] = even.unflatten(axis + 1, (-1, 2)).mean(axis + 2)  # type: ignore[no-untyped-call]  # torch's own
        lost = fine - maps[level].repeat_interleave(2, axis + 1).narrow(axis + 1, 0, size)
        box = (2 * cell, cell) if axis == 0 else (cell, 2 * cell)
        found[level] = box_sums(measure(lost.square().sum(0), finer), box) + pair_sums(found[finer], axis)
    return found


def by_method(
    method: ps.methods.RateDistortion | ps.methods.Uniform | ps.methods.Random | ps.methods.Frequency,
) -> Shown:
    """Shows the plan of a method."""

    def shown(image: Tensor, budget: int, cell: int) -> Tensor:
        plan = ps.plan(image, budget, method, cell)
        return ps.render(plan, ps.gather(image, plan))

    return shown


def by_gain(judge: Callable[[Scene, int, list[LevelPair]], BoxSums]) -> Shown:
    """Shows the plan of aspect 4 for a gain of one's own."""

    def shown(image: Tensor, budget: int, cell: int) -> Tensor:
        plan = plan_partitions([Scene(image)], budget, cell, 4, judge.__name__, judge)[0]
        return ps.render(plan, ps.gather(image, plan))

    return shown


def soft_tokens(image: Tensor, budget: int, cell: int) -> Tensor:
    """Shows the aspect-1 plan by Burt-Adelson levels; the one or two halved boxes take the finer level."""
    plan = ps.plan(image, budget, ps.methods.RateDistortion(aspect=1), cell)
    pyramid = ps.gaussian_pyramid(image, int(plan.levels.max()) + 1)
    out = torch.empty_like(image)
    for level in range(len(pyramid)):
        whole = pyramid[level]
        for finer in reversed(pyramid[:level]):
            whole = ps.expand(whole, (finer.shape[-2], finer.shape[-1]))
        for y0, x0, y1, x1 in plan.boxes[plan.levels.min(1) == level].astype(int).tolist():
            out[:, y0:y1, x0:x1] = whole[:, y0:y1, x0:x1]
    return out


def best_resize(image: Tensor, budget: int, cell: int) -> tuple[float, str]:
    """PSNR of the best plain resize, and its filters."""
    size = (image.shape[-2], image.shape[-1])
    rows, columns = resize_grid(size, budget, cell)
    found = []
    for down, up in product(("lanczos", "cubic"), repeat=2):
        small = resize(image, (rows * cell, columns * cell), down)
        found.append((psnr(resize(small, size, up), image), f"{down} down, {up} up"))
    return max(found)


VARIANTS: dict[str, Shown] = {
    "aspect 1": by_method(ps.methods.RateDistortion(aspect=1)),
    "aspect 2": by_method(ps.methods.RateDistortion(aspect=2)),
    "aspect 4 (default)": by_method(ps.methods.RateDistortion()),
    "gain direct": by_method(ps.methods.RateDistortion(gain="direct")),
    "gain luma": by_gain(luma_gain),
    "gain Haar luma": by_gain(haar_gain),
    "gain Laplacian": by_method(ps.methods.Frequency()),
    "soft tokens": soft_tokens,
    "uniform": by_method(ps.methods.Uniform()),
    "random": by_method(ps.methods.Random()),
}


def interval(values: np.ndarray) -> str:
    """Mean and 95 % bootstrap interval over images (2000 resamples, seed 0)."""
    draws = np.random.default_rng(0).choice(values, (2000, len(values))).mean(1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{values.mean():+.2f} ({low:+.2f}..{high:+.2f})"


def main() -> None:
    """Measures all variants on all images of a folder and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", default="64,128,256,512")
    parser.add_argument("--cell", type=int, default=16)
    options = parser.parse_args()
    budgets = [int(word) for word in options.budgets.split(",")]
    files = sorted(file for file in options.folder.iterdir() if file.suffix in (".png", ".jpg"))
    if not files:
        parser.error(f"folder must hold .png or .jpg images, got none in {options.folder}")
    plain = np.zeros((len(files), len(budgets)))
    gains = {name: np.zeros_like(plain) for name in VARIANTS}
    filters = set()
    for i, file in enumerate(track(files, "images", console=Console(stderr=True))):
        image, _ = as_tensor(file)
        for j, budget in enumerate(budgets):
            plain[i, j], names = best_resize(image, budget, options.cell)
            filters.add(names)
            for name, shown in VARIANTS.items():
                quality = psnr(shown(image, budget, options.cell), image)
                gains[name][i, j] = (99.0 if math.isinf(quality) else quality) - plain[i, j]
    table = Table("variant: dB over the resize", *(f"{budget} tokens" for budget in budgets))
    table.add_row("best plain resize, dB", *(f"{value:.2f}" for value in plain.mean(0)), end_section=True)
    for name, values in gains.items():
        table.add_row(name, *(interval(values[:, j]) for j in range(len(budgets))))
    console = Console(width=130)
    console.print(table)
    console.print(
        f"{len(files)} images, cell {options.cell}, {date.today()}; best resize: {'; '.join(sorted(filters))}"
    )


if __name__ == "__main__":
    main()
