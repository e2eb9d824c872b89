"""What a real reader finds when it sees only the tokens.

    python benchmarks/reading/reading.py FOLDER [--images 12] [--skip 0] [--shares 4 8 16 25] [--rows REGEX]
                                 [--cache FILE] [--out results.json]

The folder is that of ICDAR 2015 or of SROIE (see `words.load_words`). The reader is PP-OCRv4 as rapidocr-onnxruntime
ships it, with its default options, on one thread. Images: by sorted name, those that have a word. Budgets: shares of
the full grid of 16 px cells, max(1, cells * share // 100) tokens (`Resize` may use a few less; the JSON says how many).
Each plan is gathered, rendered at the source's size, clipped to [0, 1], rounded to bytes and read; the full image is
read once. `--cache` keeps what was read, so that no picture is read twice.

Two scores, both as recall of the true words, upper-cased and split at whatever is no letter or digit ("24/7" counts as
two words). Exact: an equal recognised word exists whose line's box shares an area with the true word's, one to one.
Glued: the true word lies within the letters of such a line (BEWAREOF has BEWARE), since this reader drops the spaces of
English. Illegible regions are ignored, and what the reader invents costs nothing.

Reported: recall pooled over the words of all images, its difference to `Resize` at the same share and to the full
image, each with the 95 % percentile interval of 2000 seeded bootstrap resamples of the images, the same ones for every
row, so that differences are paired.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

import pyrascope as ps
from pyrascope.evaluation.bootstrap import bootstrap
from reader import PACKAGES, Pixels, Reader, enlarged, pixels_of
from words import Text, count_words, count_words_or_glued, load_words

CELL = 16
FULL, BASELINE = "full image", "resize"
SCORES = {"exact": count_words, "glued": count_words_or_glued}
Record = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A way to spend the tokens.

    Attributes:
        method: The method's string; `{look}` is the share of the budget that makes a first look of 16 % of the cells.
        weight: Whose boxes weigh 1, and all else `ELSEWHERE`: nobody's, those of the reader's detector on the full
            image, or those of the truth.
        fixated: Whether the method may look at the true words.
        cell: Side of a token's patch: with 8 px, four times the tokens show the same number of pixels.
    """

    method: str
    weight: Literal["none", "detector", "truth"] = "none"
    fixated: bool = False
    cell: int = CELL


ELSEWHERE = 0.002
ROWS = {
    BASELINE: Row("Resize()"),
    "random": Row("Random(seed=0)"),
    "frequency": Row("Frequency()"),
    "saliency pyramid": Row("SaliencyPyramid()"),
    "anisotropic": Row("Anisotropic()"),
    "rate-distortion": Row("RateDistortion()"),
    "two looks within the budget": Row("CoarseToFine(share=50, elsewhere=0.1)"),
    "first look of 16 %, not counted": Row("CoarseToFine(share={look}, elsewhere=0.002, counted=False)"),
    "detector on the full image": Row("RateDistortion()", weight="detector"),
    "the same, cells of 8 px": Row("RateDistortion()", weight="detector", cell=8),
    "foveated at the true words": Row("Foveated()", fixated=True),
    "true words weighted (oracle)": Row("RateDistortion()", weight="truth"),
}


def heat_of(boxes: NDArray[np.float64], size: tuple[int, ...], elsewhere: float = 0.0) -> NDArray[np.float64]:
    """Returns a map that is 1 within boxes (n, 4) x0 y0 x1 y1, grown by a quarter of their height, else `elsewhere`."""
    heat = np.full(size, elsewhere)
    for x0, y0, x1, y1 in boxes:
        grown = (y1 - y0) / 4
        rows, columns = (
            slice(max(0, int(y0 - grown)), int(y1 + grown) + 1),
            slice(max(0, int(x0 - grown)), int(x1 + grown) + 1),
        )
        heat[rows, columns] = 1
    return heat


def detector_of(reader: Reader) -> ps.methods.coarse_to_fine.Detector:
    """Returns the reader's text detector on a view that is enlarged three times, as `CoarseToFine` takes it."""

    def detect(view: Tensor) -> Tensor:
        pixels = enlarged(pixels_of(view), 3)
        return torch.from_numpy(heat_of(reader.boxes(pixels), pixels.shape[:2]))

    return detect


def plan_of(row: Row, pixels: Pixels, words: Sequence[Text], share: int, reader: Reader) -> ps.Plan:
    """Makes the plan of a row at a share of the cells, in percent."""
    cells = math.prod(-(-side // CELL) for side in pixels.shape[:2])
    budget = max(1, cells * share // 100) * (CELL // row.cell) ** 2
    method = ps.methods.method_from(row.method.format(look=1600 // share))
    if isinstance(method, ps.methods.CoarseToFine):
        method = replace(method, detector=detector_of(reader))
    boxes = {
        "none": None,
        "detector": lambda: reader.boxes(pixels),
        "truth": lambda: np.array([word.box for word in words]),
    }[row.weight]
    weight = heat_of(boxes(), pixels.shape[:2], ELSEWHERE) if boxes else None
    centres = [((w.box[1] + w.box[3]) / 2, (w.box[0] + w.box[2]) / 2) for w in words]
    return ps.plan(pixels, budget, method, row.cell, weight, ps.Context(fixation=centres) if row.fixated else None)


def counts_of(
    pixels: Pixels, words: Sequence[Text], shares: Sequence[int], rows: dict[str, Row], reader: Reader
) -> Iterator[Record]:
    """Yields what is found in the full image, then with every row at every share."""

    def found(picture: Pixels) -> Record:
        lines = reader.lines(picture)
        return {score: count(words, lines) for score, count in SCORES.items()}

    yield {"row": FULL, "share": 100, "tokens": math.prod(-(-side // CELL) for side in pixels.shape[:2])} | found(
        pixels
    )
    for share in shares:
        for name, row in rows.items():
            plan = plan_of(row, pixels, words, share, reader)
            shown = np.asarray(ps.render(plan, ps.gather(pixels, plan))).clip(0, 1)
            yield {"row": name, "share": share, "tokens": plan.tokens} | found((shown * 255).round().astype(np.uint8))


def summarise(totals: Sequence[int], counts: Sequence[Sequence[Record]]) -> list[Record]:
    """Returns pooled recall and its differences as [estimate, low, high], one record a row, share and score."""
    summary = []
    for score in SCORES:
        hits = {(c[0]["row"], c[0]["share"]): np.array([i[score] for i in c]) for c in zip(*counts, strict=True)}
        for (name, share), found in hits.items():
            record: Record = {"row": name, "share": share, "score": score, "recall": bootstrap(found, totals)}
            if name != FULL:
                record["minus full"] = bootstrap(found - hits[FULL, 100], totals)
            if (BASELINE, share) in hits and name != BASELINE:
                record["minus resize"] = bootstrap(found - hits[BASELINE, share], totals)
            summary.append(record)
    return summary


def as_table(summary: Sequence[Record], score: str, title: str) -> Table:
    """Returns one score's part of the summary as a table in percent."""
    heads = {"recall": "{:.1f} [{:.1f}, {:.1f}]"} | {
        f"minus {to}": "{:+.1f} [{:+.1f}, {:+.1f}]" for to in ("resize", "full")
    }
    table = Table("tokens", "row", *(f"{head} [95 %]" for head in heads), title=title)
    mine = [record for record in summary if record["score"] == score]
    for record, after in zip(mine, [*mine[1:], mine[0]], strict=True):
        texts = [
            form.format(*(100 * v for v in record[head])) if head in record else "" for head, form in heads.items()
        ]
        table.add_row(f"{record['share']} %", record["row"], *texts, end_section=record["share"] != after["share"])
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(description="What a real reader finds when it sees only the tokens.")
    parser.add_argument("folder", type=Path, help="ICDAR 2015 or SROIE: words.json or annotations.json, and images/")
    parser.add_argument("--images", type=int, default=12, help="how many, by name (default 12)")
    parser.add_argument("--skip", type=int, default=0, help="leave out as many first (default 0)")
    parser.add_argument("--shares", type=int, nargs="+", default=[4, 8, 16, 25], help="budgets in percent of the cells")
    parser.add_argument(
        "--rows", default="", help=f"only those that match this expression: {'; '.join(ROWS).replace('%', '%%')}"
    )
    parser.add_argument("--cache", type=Path, help="keep what was read in this file")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    options = parser.parse_args(arguments)
    try:
        if options.images < 1 or options.skip < 0 or not all(1 <= share <= 100 for share in options.shares):
            raise ValueError(
                "--images must be 1 or more, --skip 0 or more and --shares from 1 to 100, got other values"
            )
        rows = {name: row for name, row in ROWS.items() if re.search(options.rows, name)}
        truth = load_words(options.folder, options.images, options.skip)
        for path in (options.out, options.cache):
            if path and not path.resolve().parent.is_dir():
                raise FileNotFoundError(f"--out and --cache must be in folders that exist, got {path}")
        reader = Reader(options.cache)
    except (ImportError, OSError, ValueError, re.error) as error:
        hint = "; get the reader with pip install 'pyrascope[reading]'" if isinstance(error, ImportError) else ""
        parser.exit(2, f"{error}{hint}\n")
    torch.set_num_threads(1)
    counts: dict[str, list[Record]] = {name: [] for name in truth}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("reading", total=len(truth) * (1 + len(options.shares) * len(rows)))
        for name, words in truth.items():
            pixels = np.asarray(Image.open(options.folder / "images" / name).convert("RGB"))
            for count in counts_of(pixels, words, options.shares, rows, reader):
                counts[name].append(count)
                progress.advance(task)
    summary = summarise([len(words) for words in truth.values()], list(counts.values()))
    for score in SCORES:
        title = f"{score}: {len(truth)} images of {options.folder.name}, {sum(map(len, truth.values()))} words"
        Console(width=140).print(as_table(summary, score, title))
    if options.out:
        packages = ("pyrascope", *PACKAGES, "torch", "numpy", "pillow")
        versions = {"python": sys.version.split()[0]} | {package: version(package) for package in packages}
        images = {name: {"words": len(truth[name]), "counts": found} for name, found in counts.items()}
        record: Record = {"date": f"{datetime.now(UTC):%F %T} UTC", "command": " ".join(sys.argv), "versions": versions}
        record |= {"rows": {name: repr(row) for name, row in rows.items()}, "images": images, "summary": summary}
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
