"""Writes the table of docs/models.md: every image-text class of transformers that takes encoded features, by site.

    python benchmarks/pages/models_page.py [TYPE ...] [--page docs/models.md] [--jobs 1] [--seconds 600] [--gigabytes 8]

Each class is built small with random weights and verified in a process of its own, whose time and memory are bounded.
With types named, only their rows are made anew.
"""

import argparse
import importlib.metadata
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


def known_rows(page: str) -> dict[str, list[str]]:
    """The rows that the page has already."""
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", page, re.MULTILINE)
    return {kind: re.split(r"(?<!\\) \| ", cells) for kind, cells in rows}


def table(rows: dict[str, list[str]]) -> str:
    """The table and what it was made with."""
    module = importlib.metadata.version("transformers")
    passing = [
        f"{sum(cells[i] == 'pass' for cells in rows.values())} at the {site} site" for i, site in enumerate(SITES)
    ]
    others = sorted(set(image_text_types()) - set(accepted()))
    lines = [
        f"transformers {module}, torch {torch.__version__.split('+')[0]}, float32, small models with random weights:",
        f"of {len(rows)} classes pass {', '.join(passing)}.",
        "",
        f"| model type | {' | '.join(SITES)} |",
        f"| --- |{' --- |' * len(SITES)}",
        *(f"| `{kind}` | {' | '.join(rows[kind])} |" for kind in sorted(rows)),
        "",
        f"These do not take encoded features and are refused by name: {', '.join(f'`{kind}`' for kind in others)}.",
    ]
    return "\n".join(lines)


def main(kinds: Sequence[str], page: Path, jobs: int, seconds: int, gigabytes: int) -> None:
    """Verifies and writes."""
    text = page.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    rows = known_rows(text) if kinds else {}
    wanted = list(kinds) or accepted()
    get_context("forkserver").set_forkserver_preload(["transformers.generation", "pyrascope.models"])
    with ThreadPoolExecutor(jobs) as pool:
        found = pool.map(lambda kind: isolated(kind, seconds, gigabytes), wanted)
        for kind, cells in zip(wanted, found, strict=True):
            rows[kind] = [cell.replace("|", "\\|") for cell in cells]
            page.write_text(f"{before}{START}\n{table(rows)}\n{END}{after}")  # each time: what is done is kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="TYPE")
    parser.add_argument("--page", type=Path, default=Path("docs/models.md"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--gigabytes", type=int, default=8)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(**vars(parser.parse_args()))
