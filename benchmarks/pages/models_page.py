"""Writes the lists of docs/models.md: every image-text class of transformers that takes encoded features, by site.

    python benchmarks/pages/models_page.py [TYPE ...] [--jobs 1] [--seconds 600] [--gigabytes 8]
    python benchmarks/pages/models_page.py --no-run      # writes the page again from what was found before

Each class is built small with random weights and verified in a process of its own, whose time and memory are bounded.
With types named, only they are verified anew; what was found of all is in benchmarks/results/models.json.
"""

import argparse
import importlib.metadata
import json
import os
import re
import resource
import signal
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from pyrascope.models import verify_type
from pyrascope.models.sites import SITES
from pyrascope.models.stock.support import image_text_types, takes_features, transformers

START, END = "<!-- table -->", "<!-- end of table -->"
ROOT = Path(__file__).parents[2]
PAGE, RESULTS = ROOT / "docs" / "models.md", ROOT / "benchmarks" / "results" / "models.json"
UNKNOWN = "plans before the tower are not known"
NAMED = re.compile(r",? got (?:another build in )?[\w-]+(?: \([\w-]+\))?(?:, which does not| without)?$")
"""What a message says of one class alone."""
LISTED = "; the model types that do are "


def verdicts(kind: str) -> list[str]:
    """One cell a site."""
    report = verify_type(kind)
    for row in report.rows:
        if row.result == "fail":
            print(f"{kind} {row.site}: {row.check}: {row.detail}", flush=True)
    return [short(report.verdict(kind, site)) for site in SITES]


def short(verdict: str) -> str:
    """Without the list of what is served: the table is that list."""
    return re.sub(r"are known for .*, got (\w+);.*", r"are not known for \1", verdict.split(LISTED)[0])


def child(kind: str, gigabytes: int, back: Connection) -> None:
    """Verifies one class; sends its cells or the reason why it could not be built."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (gigabytes << 30, gigabytes << 30))
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers().logging.set_verbosity_error()
    try:
        cells = verdicts(kind)
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        cells = [f"refused: no small model and prompt of it could be made ({text[:160]})"] * len(SITES)
    back.send(cells)


def isolated(kind: str, seconds: int, gigabytes: int) -> list[str]:
    """The cells of a class, whatever happens to its process."""
    receive, send = get_context("forkserver").Pipe(duplex=False)
    process = get_context("forkserver").Process(target=child, args=(kind, gigabytes, send), daemon=True)
    process.start()
    send.close()
    cells = [f"refused: not done in {seconds} s"] * len(SITES)
    try:
        if receive.poll(seconds):
            cells = receive.recv()
    except EOFError:
        cells = [f"refused: its process ended within {gigabytes} GB"] * len(SITES)
    process.kill()
    process.join()
    print(kind, cells, flush=True)
    return cells


def accepted() -> list[str]:
    """The model types whose class takes encoded features."""
    module = transformers()
    return sorted(kind for kind, name in image_text_types().items() if takes_features(getattr(module, name)))


def grouped(rows: dict[str, list[str]]) -> dict[tuple[bool, ...], list[str]]:
    """The model types by which sites pass, those with most sites first."""
    groups: dict[tuple[bool, ...], list[str]] = {}
    for kind in sorted(rows):
        groups.setdefault(tuple(cell == "pass" for cell in rows[kind]), []).append(kind)
    return dict(sorted(groups.items(), key=lambda pair: (-sum(pair[0]), [not passes for passes in pair[0]])))


def reasons(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """The model types by why a site is refused: each reason once, without the names that differ in it."""
    found: dict[str, list[str]] = {}
    for kind in sorted(rows):
        for site, cell in zip(SITES, rows[kind], strict=True):
            if cell != "pass" and UNKNOWN not in cell:
                text = cell.removeprefix("refused: ").replace(f"{kind} at the {site} site: ", "")
                text = NAMED.sub("", text.replace(f"layers of {kind} ", "its layers "))
                kinds = found.setdefault(f"{site if rows[kind].count(cell) == 1 else 'all sites'}: {text}", [])
                if kind not in kinds:
                    kinds.append(kind)
    return found


def lists(rows: dict[str, list[str]]) -> str:
    """The types by site, the reasons, and what all was made with."""
    module = importlib.metadata.version("transformers")
    passing = [
        f"{sum(cells[i] == 'pass' for cells in rows.values())} at the {site} site" for i, site in enumerate(SITES)
    ]
    others = sorted(set(image_text_types()) - set(accepted()))
    lines = [
        f"transformers {module}, torch {torch.__version__.split('+')[0]}, float32, small models with random weights:",
        f"of {len(rows)} classes pass {', '.join(passing)}.",
    ]
    for passes, kinds in grouped(rows).items():
        sites = [site for site, good in zip(SITES, passes, strict=True) if good]
        title = "no site" if not sites else "all three sites" if len(sites) == len(SITES) else " and ".join(sites)
        lines += ["", f"**{title.capitalize()}** ({len(kinds)}): {', '.join(f'`{kind}`' for kind in kinds)}."]
    lines += ["", "Where the pixels site is missing and nothing is said below, no adapter of the tower is known.", ""]
    lines += ["| why not | model types |", "| --- | --- |"]
    lines += [f"| {why.replace('|', chr(92) + '|')} | {', '.join(f'`{kind}`' for kind in kinds)} |"
              for why, kinds in sorted(reasons(rows).items())]  # fmt: skip
    lines += ["", "These do not take encoded features and are refused by name: "
              f"{', '.join(f'`{kind}`' for kind in others)}."]  # fmt: skip
    return "\n".join(lines)


def main(kinds: Sequence[str], jobs: int, seconds: int, gigabytes: int, no_run: bool) -> None:
    """Verifies and writes."""
    rows = json.loads(RESULTS.read_text()) if kinds or no_run else {}
    wanted = [] if no_run else list(kinds) or accepted()
    get_context("forkserver").set_forkserver_preload(["transformers.generation", "pyrascope.models"])
    with ThreadPoolExecutor(jobs) as pool:
        for kind, cells in zip(wanted, pool.map(lambda kind: isolated(kind, seconds, gigabytes), wanted), strict=True):
            rows[kind] = cells
            RESULTS.write_text(json.dumps(rows, indent=0, sort_keys=True) + "\n")  # each time: what is done is kept
    before, rest = PAGE.read_text().split(START)
    PAGE.write_text(f"{before}{START}\n{lists(rows)}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="TYPE")
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--gigabytes", type=int, default=8)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(**vars(parser.parse_args()))
