"""Fits the weights of `importance.Learned` to where people looked, and scores each map on held-out pictures.

    python benchmarks/pictures/gaze_mixture.py FOLDER [--cell 16] [--every 1]

FOLDER holds `images/` and `fixations.json` ({image: {"subjects": [[[x, y, ms], ...], ...]}}), as of OSIE (Xu et al.
2014). The first fixation of each person, on the cross in the middle, does not count. Maps are scored on every second
picture, by NSS (the map at the fixations, in standard deviations from its mean), with weights fitted to the others; the
weights at the end, those of the library, are fitted to all.
"""

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from pyrascope import Context, Scene, importance
from pyrascope.io import as_tensor

MAPS: tuple[importance.ImportanceMap, ...] = importance.Learned().maps
MIDDLE = importance.Fixation(source="context", e0=4.0)
Sample = tuple[list[Tensor], Tensor]


def looked(entry: dict[str, Any], size: tuple[int, int], cell: int) -> Tensor:
    """Number of fixations in each cell."""
    found = torch.zeros(-(-size[0] // cell), -(-size[1] // cell), dtype=torch.float64)
    for person in entry["subjects"]:
        for x, y, _ in person[1:]:
            found[int(y) // cell, int(x) // cell] += 1
    return found


def nss(values: Tensor, counts: Tensor) -> float:
    """Normalised scanpath saliency of a map of cells; 0 of a map without preference."""
    spread = float(values.std(correction=0))
    return float(((values - 1) * counts).sum() / counts.sum()) / spread if spread > 0 else 0.0


def sample(path: Path, entry: dict[str, Any], cell: int) -> Sample:
    """The maps of a picture (the candidates, then one of its middle) and its fixations."""
    image, _ = as_tensor(path)
    middle = (image.shape[-2] / 2, image.shape[-1] / 2)
    scene = Scene(image, context=Context(fixation=middle))
    return [one(scene, cell) for one in (*MAPS, MIDDLE)], looked(entry, scene.size, cell)


def mixture(maps: list[Tensor], weights: tuple[float, ...], floor: float) -> Tensor:
    """The weighted sum of maps and a floor."""
    return sum((w * one for w, one in zip(weights, maps, strict=True)), torch.full_like(maps[0], floor))


def main() -> None:
    """Prints the scores and the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cell", type=int, default=16)
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture only")
    options = parser.parse_args()
    entries = json.loads((options.folder / "fixations.json").read_text())
    names = sorted(entries)[:: options.every]
    samples = [sample(options.folder / "images" / name, entries[name], options.cell) for name in track(names)]
    fitted, held = samples[::2], samples[1::2]
    kinds = [repr(one) for one in (*MAPS, MIDDLE)]
    scores = {kind: [nss(maps[k], counts) for maps, counts in held] for k, kind in enumerate(kinds)}
    weights, floor = importance.fit_weights([(maps[:-1], counts) for maps, counts in fitted])
    scores["mixture"] = [nss(mixture(maps[:-1], weights, floor), counts) for maps, counts in held]
    table = Table("map", "NSS", title=f"{len(held)} held-out pictures, cell {options.cell}, {date.today()}")
    for name, values in scores.items():
        table.add_row(
            name, f"{torch.tensor(values).mean():.3f} +- {torch.tensor(values).std() / len(values) ** 0.5:.3f}"
        )
    console = Console(width=110)
    console.print(table)
    console.print("fitted to half:", weights, floor)
    console.print("fitted to all:", *importance.fit_weights([(maps[:-1], counts) for maps, counts in samples]))


if __name__ == "__main__":
    main()
