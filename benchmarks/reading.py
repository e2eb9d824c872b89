"""What a real reader finds when it sees only the tokens.

    python benchmarks/reading.py PATH_TO_ICDAR2015 [--images 12] [--cell 16] [--out results.json]

The folder holds `images/` and `words.json`: {image: [{quad: [x1, y1, ..., x4, y4], text, legible}]}. The reader is
PP-OCRv4 as rapidocr-onnxruntime ships it, with its default options. Images: the first N by sorted name that have a
legible word. Budgets: 4, 8, 16 and 25 % of the full grid, max(1, cells * share // 100) tokens (`Resize` may use a few
less; the JSON says how many). Each plan is gathered, rendered at the source's size, clipped to [0, 1], rounded to uint8
and read; the full image is read once. "Oracle" is `RateDistortion()` with weight 1 within the legible words'
axis-aligned boxes, grown by 4 px, and 0.02 elsewhere; "square" has aspect=1.

Score: recall of the legible words. Truth and recognised text are upper-cased and split at whatever is no letter or
digit ("24/7" counts as two words in one box). A true word is found when an equal recognised word exists whose line's
bounding box intersects the true word's; each recognised word serves at most one true word, and the matching is the
largest there is. Where the reader glues words together (BEWAREOF) both are missed, in the full image as in the plans.
Illegible regions are ignored, and what the reader invents costs nothing. Reported: recall pooled over the words of all
images, its difference to `Resize` at the same share, and for both the 95 % percentile interval of 2000 seeded bootstrap
resamples of the images, the same ones for every row, so that differences are paired.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import pyrascope as ps
from pyrascope.evaluation.bootstrap import bootstrap

GROWN, INSIDE, ELSEWHERE = 4, 1.0, 0.02
SHARES = (4, 8, 16, 25)
FULL, BASELINE, ORACLE = "full image", "Resize", "RateDistortion oracle"
METHODS: dict[str, ps.methods.Resize | ps.methods.Random | ps.methods.RateDistortion] = {
    BASELINE: ps.methods.Resize(),
    "Random": ps.methods.Random(seed=0),
    "RateDistortion": ps.methods.RateDistortion(),
    "RateDistortion square": ps.methods.RateDistortion(aspect=1),
    ORACLE: ps.methods.RateDistortion(),
}
PACKAGES = ("pyrascope", "rapidocr-onnxruntime", "onnxruntime", "torch", "numpy", "pillow")
Pixels = NDArray[np.uint8]
Word = tuple[str, float, float, float, float]  # upper case, letters and digits only; x0, y0, x1, y1 of its region
Reader = Callable[[Pixels], list[Word]]
Row = dict[str, Any]


def words_in(text: str, corners: Sequence[float]) -> list[Word]:
    """Splits a text into words; `corners` is x1, y1, x2, y2, ... around all of it."""
    xs, ys = corners[0::2], corners[1::2]
    return [(part, min(xs), min(ys), max(xs), max(ys)) for part in re.findall(r"[^\W_]+", text.upper())]


def same(a: Word, b: Word) -> bool:
    """Tells whether two words are equal and their boxes share an area."""
    return a[0] == b[0] and max(a[1], b[1]) < min(a[3], b[3]) and max(a[2], b[2]) < min(a[4], b[4])


def count_found(truth: Sequence[Word], seen: Sequence[Word]) -> int:
    """Returns the size of the largest one-to-one matching of `same` words (augmenting paths)."""
    options = [[j for j, word in enumerate(seen) if same(word, true)] for true in truth]
    owner: dict[int, int] = {}

    def place(true: int, tried: set[int]) -> bool:
        for j in options[true]:
            if j not in tried:
                tried.add(j)
                if j not in owner or place(owner[j], tried):
                    owner[j] = true
                    return True
        return False

    return sum(place(true, set()) for true in range(len(truth)))


def load_truth(folder: Path, count: int) -> dict[str, list[Word]]:
    """Returns the legible words of the first `count` images, by sorted name, that have any."""
    if not (folder / "words.json").is_file() or not (folder / "images").is_dir():
        raise FileNotFoundError(f"expected a folder with words.json and images/, got {folder}; give that of ICDAR 2015")
    truth = {
        name: [word for region in regions if region["legible"] for word in words_in(region["text"], region["quad"])]
        for name, regions in sorted(json.loads((folder / "words.json").read_text(encoding="utf-8")).items())
    }
    if not any(truth.values()):
        raise ValueError(f"expected legible words in {folder / 'words.json'}, found none; give that of ICDAR 2015")
    return dict([(name, words) for name, words in truth.items() if words][:count])


def load_reader() -> Reader:
    """Returns a function from RGB pixels to the words that the reader recognises; ImportError without rapidocr."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR()

    def read(pixels: Pixels) -> list[Word]:
        lines, _ = engine(np.ascontiguousarray(pixels[:, :, ::-1]))
        return [word for corners, text, _ in lines or [] for word in words_in(text, np.ravel(corners).tolist())]

    return read


def oracle_weight(pixels: Pixels, words: Sequence[Word]) -> NDArray[np.float64]:
    """Returns the weight map of an oracle that knows where the legible words are."""
    weight = np.full(pixels.shape[:2], ELSEWHERE)
    for word in words:
        x0, y0, x1, y1 = np.add(word[1:], [-GROWN, -GROWN, GROWN, GROWN]).clip(0).astype(int)
        weight[y0:y1, x0:x1] = INSIDE
    return weight


def counts_of(pixels: Pixels, words: Sequence[Word], cell: int, read: Reader) -> Iterator[Row]:
    """Yields what is found in the full image, then with every method at every share."""
    cells = math.prod(-(-side // cell) for side in pixels.shape[:2])
    yield {"method": FULL, "share": 100, "tokens": cells, "found": count_found(words, read(pixels))}
    for share in SHARES:
        for name, method in METHODS.items():
            weight = oracle_weight(pixels, words) if name == ORACLE else None
            plan = ps.plan(pixels, max(1, cells * share // 100), method, cell, weight)
            shown = np.asarray(ps.render(plan, ps.gather(pixels, plan))).clip(0, 1)
            found = count_found(words, read((shown * 255).round().astype(np.uint8)))
            yield {"method": name, "share": share, "tokens": plan.tokens, "found": found}


def summarise(totals: Sequence[int], counts: Sequence[Sequence[Row]]) -> list[Row]:
    """Returns pooled recall and difference to the baseline as [estimate, low, high], one row a method and share."""
    found = {(c[0]["method"], c[0]["share"]): np.array([i["found"] for i in c]) for c in zip(*counts, strict=True)}
    return [
        {"method": method, "share": share, "recall": list(bootstrap(hits, totals))}
        | (
            {"difference": list(bootstrap(hits - found[BASELINE, share], totals))}
            if method not in (FULL, BASELINE)
            else {}
        )
        for (method, share), hits in found.items()
    ]


def as_table(summary: Sequence[Row], title: str) -> Table:
    """Returns the summary as a table in percent."""
    table = Table("tokens", "method", "recall % [95 %]", "minus Resize [95 %]", title=title)
    forms = {"recall": "{:.1f} [{:.1f}, {:.1f}]", "difference": "{:+.1f} [{:+.1f}, {:+.1f}]"}
    for row in summary:
        texts = [form.format(*(100 * value for value in row[key])) for key, form in forms.items() if key in row]
        table.add_row(f"{row['share']} %", row["method"], *texts, end_section=row["method"] in (FULL, ORACLE))
    return table


def main() -> None:
    """Runs the benchmark; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(description="What a real reader finds when it sees only the tokens.")
    parser.add_argument("folder", type=Path, help="ICDAR 2015: images/ and words.json")
    parser.add_argument("--images", type=int, default=12, help="how many, the first by name (default 12)")
    parser.add_argument("--cell", type=int, default=16, help="side of a token's patch in pixels (default 16)")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    options = parser.parse_args()
    try:
        if options.images < 1 or not 1 <= options.cell <= 4096:
            raise ValueError(f"--images must be 1 or more and --cell 1 to 4096, got {options.images}, {options.cell}")
        truth = load_truth(options.folder, options.images)
        if options.out and not options.out.resolve().parent.is_dir():
            raise FileNotFoundError(f"--out must be in a folder that exists, got {options.out}")
        read = load_reader()
    except (ImportError, OSError, ValueError) as error:
        hint = "; get the reader with pip install 'pyrascope[reading]'" if isinstance(error, ImportError) else ""
        parser.exit(2, f"{error}{hint}\n")
    counts: dict[str, list[Row]] = {name: [] for name in truth}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("reading", total=len(truth) * (1 + len(SHARES) * len(METHODS)))
        for name, words in truth.items():
            pixels = np.asarray(Image.open(options.folder / "images" / name).convert("RGB"))
            for count in counts_of(pixels, words, options.cell, read):
                counts[name].append(count)
                progress.advance(task)
    summary = summarise([len(words) for words in truth.values()], list(counts.values()))
    title = f"PP-OCRv4, {len(truth)} images of ICDAR 2015, {sum(map(len, truth.values()))} words, cell {options.cell}"
    Console().print(as_table(summary, title))
    if options.out:
        versions = {"python": sys.version.split()[0]} | {package: version(package) for package in PACKAGES}
        images = {name: {"words": len(truth[name]), "counts": rows} for name, rows in counts.items()}
        record: Row = {"date": f"{datetime.now(UTC):%F %T} UTC", "command": " ".join(sys.argv), "cell": options.cell}
        record |= {"versions": versions, "images": images, "summary": summary}
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
