"""Whether plans spend their tokens where people look: token density against the fixations of OSIE.

    python benchmarks/pictures/gaze.py PATH_TO_OSIE [--images 180] [--tokens 256] [--cell 16]

The folder holds `images/` and `fixations.json`: {image: {width, height, subjects: [[[x, y, ms], ...] per person]}}.
Images: the first N by sorted name. The first fixation of each person is dropped: it is where the fixation cross was.
Rows: every registered method with its default options and without a question, and maps to compare with: a Gaussian at
the centre (standard deviation a quarter of each side), and spectral residual. A method's map is the density of its
plan, tokens per area at each pixel, as it is, not smoothed; in float32, so that equal boxes are equal.

NSS (chance 0), AUC-Judd and shuffled AUC (chance 0.5; the other side are the fixations of all other images in the
file, which takes the bias to the centre out); means over images with 95 % percentile intervals of 2000 seeded bootstrap
resamples of the images. `Resize` is flat, so it scores chance.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

import pyrascope as ps
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.importance import SpectralResidual
from pyrascope.evaluation.bootstrap import bootstrap
from pyrascope.evaluation.pictures.density import token_density
from pyrascope.evaluation.pictures.gaze import auc_judd, auc_shuffled, fixation_map, nss
from pyrascope.io import as_tensor
from pyrascope.methods.named import UNAIDED

Map = Callable[[Tensor], Tensor]


def centre(image: Tensor) -> Tensor:
    """A Gaussian at the centre."""
    y, x = (((torch.arange(side) + 0.5) / side - 0.5) * 4 for side in image.shape[-2:])
    return torch.exp(-(y[:, None] ** 2 + x**2) / 2)


def spectral_residual(image: Tensor) -> Tensor:
    """Spectral residual at every pixel."""
    return SpectralResidual()(Scene(image), 1)


def density_of(kind: type, tokens: int, cell: int) -> Map:
    """The token density of a method's plan."""
    method = kind()
    return lambda image: token_density(ps.plan(image, tokens, method, cell)).float()


def load_fixations(folder: Path) -> dict[str, Tensor]:
    """Returns the fixations of each image as counts (h, w), without each person's first."""
    file = folder / "fixations.json"
    if not file.is_file() or not (folder / "images").is_dir():
        raise FileNotFoundError(f"expected a folder with fixations.json and images/, got {folder}; give that of OSIE")
    found = {}
    for name, entry in sorted(json.loads(file.read_text(encoding="utf-8")).items()):
        points = [(y, x) for person in entry["subjects"] for x, y, _ in person[1:]]
        found[name] = fixation_map(points, (entry["height"], entry["width"]))
    if len({tuple(counts.shape) for counts in found.values()}) != 1 or len(found) < 2:
        raise ValueError(f"expected two images of one size, or more, in {file}, got another; give that of OSIE")
    return found


def scores_of(image: Tensor, maps: dict[str, Map], here: Tensor, others: Tensor) -> Iterator[tuple[float, ...]]:
    """Yields NSS, AUC-Judd and shuffled AUC of every map."""
    for made in maps.values():
        shown = made(image)
        yield nss(shown, here), auc_judd(shown, here), auc_shuffled(shown, here, others)


def main() -> None:
    """Runs the benchmark; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="OSIE: images/ and fixations.json")
    parser.add_argument("--images", type=int, default=180, help="how many, the first by name (default 180)")
    parser.add_argument("--tokens", type=int, default=256, help="budget of every plan (default 256)")
    parser.add_argument("--cell", type=int, default=16, help="side of a token's patch in pixels (default 16)")
    options = parser.parse_args()
    try:
        if min(options.images, options.tokens, options.cell) < 1:
            raise ValueError("--images, --tokens and --cell must be 1 or more")
        fixations = load_fixations(options.folder)
    except (OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    torch.set_num_threads(1)  # threads cost more than they bring on maps of this size
    maps: dict[str, Map] = {"centre Gaussian": centre, "spectral residual": spectral_residual}
    maps |= {kind.__name__: density_of(kind, options.tokens, options.cell) for kind in UNAIDED.values()}
    names = list(fixations)[: options.images]
    total = torch.stack(list(fixations.values())).sum(0)
    scores = np.zeros((len(names), len(maps), 3))
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("images", total=scores[..., 0].size)
        for i, name in enumerate(names):
            image, here = as_tensor(options.folder / "images" / name)[0], fixations[name]
            for j, found in enumerate(scores_of(image, maps, here, total - here)):
                scores[i, j] = found
                progress.advance(task)
    table = Table("map", "NSS [95 %]", "AUC-Judd [95 %]", "shuffled AUC [95 %]")
    for j, name in enumerate(maps):
        intervals = [bootstrap(scores[:, j, k]) for k in range(3)]
        cells = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in intervals]
        table.add_row(name, *cells, end_section=name == "spectral residual")
    console = Console(width=110)
    console.print(table)
    console.print(
        f"{len(names)} images of OSIE, 15 people, {options.tokens} tokens, cell {options.cell}, "
        f"pyrascope {ps.__version__}, {date.today()}"
    )


if __name__ == "__main__":
    main()
