"""How well plans show photographs, by PSNR and SSIM over the best plain resize to as many tokens.

    python benchmarks/pictures/fidelity.py FOLDER_OF_IMAGES [--budgets 64,128,256,512] [--cell 16] [--methods]

With `--methods` rows are all registered methods with their default options, every one of them at exactly the budget but
`Resize` itself. Without, they are variants of the plan or of the tokens, which show what each part is worth:

* `aspect 1`, `aspect 2`, `aspect 4` (the default): how far a box may be from square;
* `gain direct`, `gain luma`, `gain Haar luma`, `gain Laplacian`: what the planner takes for the distortion of a box,
  for aspect 4 (but Laplacian energy, which has no axes, for aspect 1; that is `Frequency`);
* `soft tokens`: the tokens of the aspect-1 plan taken from Burt-Adelson levels and expanded by their own filter, level
  by level as a whole, which flatters them (a real token does not see its neighbours' level);
* `uniform`, `random`: plans that do not look.

The resize takes the better of Lanczos and cubic, down and up, for each image and each measure.
"""

import argparse
from collections.abc import Callable
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

import pyrascope as ps
from pyrascope.allocation.contracts.allocator import Allocator, Scene
from pyrascope.allocation.tree.distortion import BoxSums, box_sums, pair_sums, recursive_distortion
from pyrascope.allocation.tree.measure import Measure
from pyrascope.allocation.tree.partition import plan_partitions
from pyrascope.evaluation.bootstrap import bootstrap
from pyrascope.evaluation.pictures.metrics import psnr
from pyrascope.evaluation.pictures.ssim import ssim
from pyrascope.io import as_tensor
from pyrascope.methods.named import UNAIDED
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


def by_method(method: Allocator) -> Shown:
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


def quality(shown: Tensor, image: Tensor) -> tuple[float, float]:
    """PSNR, 99 dB where infinite, and SSIM."""
    return min(psnr(shown, image), 99.0), ssim(shown, image)


def best_resize(image: Tensor, budget: int, cell: int) -> tuple[float, float, str]:
    """PSNR and SSIM of the best plain resize by each, and the filters that gave the best PSNR."""
    size = (image.shape[-2], image.shape[-1])
    rows, columns = resize_grid(size, budget, cell)
    found = []
    for down, up in product(("lanczos", "cubic"), repeat=2):
        small = resize(image, (rows * cell, columns * cell), down)
        found.append((*quality(resize(small, size, up), image), f"{down} down, {up} up"))
    best = max(found)
    return best[0], max(similarity for _, similarity, _ in found), best[2]


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


def interval(values: np.ndarray, digits: int) -> str:
    """Mean and 95 % bootstrap interval over images."""
    mean, low, high = bootstrap(values)
    return f"{mean:+.{digits}f} ({low:+.{digits}f}..{high:+.{digits}f})"


def main() -> None:
    """Measures all rows on all images of a folder and prints a table for each measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", default="64,128,256,512")
    parser.add_argument("--cell", type=int, default=16)
    parser.add_argument("--methods", action="store_true", help="compare all registered methods")
    options = parser.parse_args()
    budgets = [int(word) for word in options.budgets.split(",")]
    files = sorted(file for file in options.folder.iterdir() if file.suffix in (".png", ".jpg"))
    if not files:
        parser.error(f"folder must hold .png or .jpg images, got none in {options.folder}")
    others = {kind.__name__: by_method(kind()) for kind in UNAIDED.values() if kind is not ps.methods.Resize}
    rows = others if options.methods else VARIANTS
    plain = np.zeros((2, len(files), len(budgets)))
    gains = {name: np.zeros_like(plain) for name in rows}
    filters = set()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("showing", total=len(files) * len(budgets) * len(rows))
        for (i, file), (j, budget) in product(enumerate(files), enumerate(budgets)):
            image, _ = as_tensor(file)
            *plain[:, i, j], names = best_resize(image, budget, options.cell)
            filters.add(names)
            for name, shown in rows.items():
                gains[name][:, i, j] = quality(shown(image, budget, options.cell), image) - plain[:, i, j]
                progress.advance(task)
    console = Console(width=130)
    for k, (measure, digits) in enumerate((("PSNR, dB", 2), ("SSIM", 3))):
        table = Table(f"{measure} over the resize", *(f"{budget} tokens" for budget in budgets))
        means = [f"{value:.{digits}f}" for value in plain[k].mean(0)]
        table.add_row(f"best plain resize, {measure}", *means, end_section=True)
        for name, values in gains.items():
            table.add_row(name, *(interval(values[k, :, j], digits) for j in range(len(budgets))))
        console.print(table)
    console.print(
        f"{len(files)} images, cell {options.cell}, {date.today()}; best resize: {'; '.join(sorted(filters))}"
    )


if __name__ == "__main__":
    main()
