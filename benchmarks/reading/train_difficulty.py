"""Trains the `DifficultyEstimator` on measured labels, and shows what it knows that plain band energy does not.

    python benchmarks/reading/train_difficulty.py --kodak KODAK [--icdar ICDAR2015] [--sroie SROIE]
                                          [--cache FILE] [--weights difficulty.safetensors] [--out results.json]

Labels: see `hard_crops`. Of the pictures of each source every third, by name, is held out: all crops of a picture are
on one side. Estimators are trained on the printed words alone (`--weights` are those), and on all sources, each with
the curriculum (easy first: a label is easy to learn from when it is clear, all or nothing, and rests on many words) and
without. Reported: area under the ROC curve on the held-out crops of each source, where hard means that half of the
words or more are lost, beside that of plain band energy, of the whole `complexity`, and of the squared error of the
small view; 95 % percentile intervals of 2000 seeded bootstrap resamples of the pictures, and the paired difference to
band energy.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from safetensors.torch import save_file
from torch import Generator, Tensor

from hard_crops import Labelled, measured, photographs, printed
from pyrascope.allocation.difficulty.difficulty import complexity, parts
from pyrascope.allocation.difficulty.trained_difficulty import view_of
from pyrascope.learning.nn.difficulty import DifficultyEstimator, train_difficulty
from pyrascope.signal.resample import resize
from reader import Reader

HARD, HELD_OUT, RESAMPLES, EPOCHS, COPIES = 0.5, 3, 2000, 30, 9
REFERENCE = "band energy"
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Crops:
    """Crops of one source: views (n, 1, 128, 128), labels (n,), words found (n,), pictures, scores without training."""

    views: Tensor
    lost: Tensor
    found: Tensor
    sources: NDArray[np.str_]
    plain: dict[str, Scores]

    def part(self, held_out: bool) -> "Crops":
        """The crops of the pictures that are held out, or of the others."""
        names = {name: number for number, name in enumerate(sorted(set(self.sources.tolist())))}
        chosen = np.array([(names[name] % HELD_OUT == 0) == held_out for name in self.sources.tolist()])
        index = torch.from_numpy(chosen)
        plain = {name: scores[chosen] for name, scores in self.plain.items()}
        return Crops(self.views[index], self.lost[index], self.found[index], self.sources[chosen], plain)


def collected(labelled: Sequence[Labelled]) -> Crops:
    """Puts crops together and scores them by what needs no training."""

    def small_error(image: Tensor) -> float:
        shown = resize(resize(image, (128, 128)), (image.shape[-2], image.shape[-1]))
        return float((shown - image).square().mean())

    plain: dict[str, Callable[[Tensor], float]] = {
        REFERENCE: lambda image: parts(image).energy,
        "complexity": complexity,
        "error of the view": small_error,
    }
    return Crops(
        torch.stack([view_of(crop.image) for crop in labelled]),
        torch.tensor([crop.lost for crop in labelled]),
        torch.tensor([crop.found for crop in labelled]),
        np.array([crop.source for crop in labelled]),
        {name: np.array([score(crop.image) for crop in labelled]) for name, score in plain.items()},
    )


def printed_crops(folder: Path, reader: Reader) -> Iterator[Labelled]:
    """Yields labelled crops of every photograph of a folder; the chance of each photograph is its own."""
    for number, file in enumerate(sorted(folder.glob("*.png"))):
        chance = Generator().manual_seed(number)
        yield from measured(printed(file, COPIES, chance), reader, 6, chance)


def trained(crops: Sequence[Crops], curriculum: bool, seed: int) -> DifficultyEstimator:
    """Trains an estimator on crops of several sources."""
    generator = Generator().manual_seed(seed)
    views, lost, found = (torch.cat([getattr(c, name) for c in crops]) for name in ("views", "lost", "found"))
    ease = (lost - 0.5).abs() * (1 - 0.5**found) if curriculum else None
    estimator = DifficultyEstimator(generator=generator)
    train_difficulty(estimator, views, lost, generator, ease, EPOCHS)
    return estimator.eval()


def all_trained(found: dict[str, Crops], seed: int) -> dict[str, DifficultyEstimator]:
    """Trains on the printed words and on all sources, with and without the curriculum."""
    everything = list(found.values())
    return {
        "trained on printed words, easy first": trained([found["printed"]], True, seed),
        "trained on printed words, no curriculum": trained([found["printed"]], False, seed),
        "trained on all sources, easy first": trained(everything, True, seed),
        "trained on all sources, no curriculum": trained(everything, False, seed),
    }


def evaluated(crops: Crops, estimators: dict[str, DifficultyEstimator]) -> dict[str, Any]:
    """Returns how many crops there are, and the areas of all scores."""
    with torch.no_grad():
        scores = crops.plain | {title: e(crops.views).double().numpy() for title, e in estimators.items()}
    counts = {"crops": len(crops.lost), "pictures": len(set(crops.sources.tolist()))}
    return counts | {"hard": int((crops.lost >= HARD).sum()), "scores": intervals(scores, crops)}


def area_under_curve(scores: Scores, hard: NDArray[np.bool_]) -> float:
    """Returns the chance that a hard crop scores above an easy one, ties counted half; nan without both kinds."""
    if hard.all() or not hard.any():
        return float("nan")
    easy = np.sort(scores[~hard])
    below = np.searchsorted(easy, scores[hard], "left") + np.searchsorted(easy, scores[hard], "right")
    return float(below.mean() / 2 / len(easy))


def intervals(all_scores: dict[str, Scores], crops: Crops) -> dict[str, dict[str, list[float]]]:
    """Returns for each score its area under the curve, and its difference to band energy, as [estimate, low, high]."""
    hard = crops.lost.numpy() >= HARD
    rows = [np.flatnonzero(crops.sources == name) for name in np.unique(crops.sources)]
    draws = np.random.default_rng(0).integers(len(rows), size=(RESAMPLES, len(rows)))
    samples = [np.arange(len(hard)), *(np.concatenate([rows[i] for i in draw]) for draw in draws)]
    areas = {name: np.array([area_under_curve(s[i], hard[i]) for i in samples]) for name, s in all_scores.items()}

    def estimate(values: NDArray[np.float64]) -> list[float]:
        return [float(values[0]), *np.nanpercentile(values[1:], [2.5, 97.5]).tolist()]

    return {
        name: {"area": estimate(found), "minus band energy": estimate(found - areas[REFERENCE])}
        for name, found in areas.items()
    }


def report(results: dict[str, Any]) -> Table:
    """Returns the areas of all estimators on all sources as a table."""
    table = Table("held out", "score", "area [95 %]", "minus band energy [95 %]")
    forms = {"area": "{:.3f} [{:.3f}, {:.3f}]", "minus band energy": "{:+.3f} [{:+.3f}, {:+.3f}]"}
    for source, found in results.items():
        title = f"{source}: {found['crops']} crops of {found['pictures']} pictures, {found['hard']} hard"
        for name, values in found["scores"].items():
            table.add_row(title, name, *(form.format(*values[head]) for head, form in forms.items()))
        table.add_section()
    return table


def main() -> None:
    """Measures labels, trains, compares and, where asked, writes weights and results; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(description="Trains the difficulty estimator on labels measured with a reader.")
    parser.add_argument("--kodak", type=Path, required=True, help="folder of photographs to print words on")
    parser.add_argument("--icdar", type=Path, help="folder of ICDAR 2015")
    parser.add_argument("--sroie", type=Path, help="folder of SROIE")
    parser.add_argument("--seed", type=int, default=0, help="of training (default 0)")
    parser.add_argument("--cache", type=Path, help="keep what was read in this file")
    parser.add_argument("--weights", type=Path, help="write the weights trained on printed words to this file")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        reader = Reader(options.cache, smallest=32)
        streams = {"printed": printed_crops(options.kodak, reader)}
        for name, folder, crops in (("icdar", options.icdar, 5), ("sroie", options.sroie, 6)):
            if folder:
                pictures = photographs(folder, 0, 10_000)
                streams[name] = measured(pictures, reader, crops, Generator().manual_seed(0))
        console = Console(stderr=True)
        found = {name: collected(list(track(crops, name, console=console))) for name, crops in streams.items()}
    except (ImportError, OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    estimators = all_trained({name: crops.part(held_out=False) for name, crops in found.items()}, options.seed)
    results = {name: evaluated(crops.part(held_out=True), estimators) for name, crops in found.items()}
    Console(width=140).print(report(results))
    if options.weights:
        save_file(estimators["trained on printed words, easy first"].state_dict(), options.weights)
    if options.out:
        record = {"date": f"{datetime.now(UTC):%F %T} UTC", "command": " ".join(sys.argv), "results": results}
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
