"""Faults put into the code on purpose, one line each: which of them do the tests not notice?

    python benchmarks/mutants.py [--only WORD ...] [--jobs 2] [--output FILE.md]

The faults are in `benchmarks/mutants/`, a file a room. Each is put into a copy of the code, and the tests that must
fail with it run there; the tree itself is never touched. First the same tests run without a fault and have to pass.
Ends with 1 where a fault survives. Not part of `make test`: all of them take half an hour on two processors.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "benchmarks" / "mutants"
PACKAGE = Path("src", "pyrascope")
COPIED = ("src", "tests", "examples", "docs", "benchmarks", "README.md", "CONTRIBUTING.md", "pyproject.toml")
LONGEST = 900
"""Seconds that the tests of one fault may take."""
OUTCOMES = {0: "survives", 1: "caught"}
"""By how pytest ends; anything else is a fault in the list: a test file that is not there or cannot be imported."""


@dataclass(frozen=True)
class Fault:
    """One line that is wrong.

    Attributes:
        what: The fault in words.
        file: Below `src/pyrascope`.
        old: Text that occurs once in the file.
        new: What takes its place.
        tests: What must fail, as pytest takes it, separated by spaces.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str

    @property
    def room(self) -> str:
        """The first folder of the file."""
        return self.file.split("/")[0].removesuffix(".py")

    def put_into(self, root: Path) -> None:
        """Writes the fault into the code below `root`.

        Raises:
            ValueError: the old text does not occur exactly once, or the new one is the same.
        """
        path = root / PACKAGE / self.file
        text = path.read_text()
        if text.count(self.old) != 1 or self.old == self.new:
            raise ValueError(f"{self.what}: {self.old!r} must occur once in {self.file}, got {text.count(self.old)}")
        path.write_text(text.replace(self.old, self.new))


def faults() -> list[Fault]:
    """Returns all faults, room by room."""
    files = sorted(FAULTS.glob("*.toml"))
    return [Fault(**entry) for file in files for entry in tomllib.loads(file.read_text())["fault"]]


def copy_to(folder: Path) -> None:
    """Copies what the tests need, without anything that was compiled from it."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)


@contextmanager
def faulty(fault: Fault, root: Path) -> Iterator[None]:
    """Puts a fault into the copy at `root`, and takes it out again; compiled loops of before do not count."""
    path = root / PACKAGE / fault.file
    right = path.read_text()
    fault.put_into(root)
    try:
        yield
    finally:
        path.write_text(right)


def ends(root: Path, tests: Sequence[str], numba: str) -> tuple[int, str]:
    """Runs tests on the copy at `root`; returns how pytest ends, and its last lines.

    Args:
        root: Of the copy.
        tests: As pytest takes them.
        numba: Folder of compiled loops, below `root`.
    """
    environment = os.environ | {
        "PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1",
        "NUMBA_CACHE_DIR": str(root / numba),
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return -1, f"not done after {LONGEST} s"
    return done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-6:])


def outcome(fault: Fault, copies: "SimpleQueue[Path]") -> tuple[str, str]:
    """Tries a fault in a copy that is free; returns what became of it, and the tests' last lines."""
    root = copies.get()
    # Numba looks at the file of a loop alone, not at those of the loops that it calls.
    numba = "numba-faulty" if "kernels" in fault.file else "numba"
    try:
        with faulty(fault, root):
            code, said = ends(root, fault.tests.split(), numba)
    finally:
        shutil.rmtree(root / "numba-faulty", ignore_errors=True)
        copies.put(root)
    return OUTCOMES.get(code, f"pytest ends with {code}"), said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", help="faults whose file or words have this in them; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="faults at a time")
    parser.add_argument("--output", type=Path, help="write the table there")
    given = parser.parse_args()
    console = Console()
    wanted = given.only or [""]
    tried = [fault for fault in faults() if any(word in f"{fault.file} {fault.what}" for word in wanted)]
    if not tried:
        console.print(f"no fault has {' or '.join(wanted)} in its file or its words")
        return 2
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.jobs) as pool:
        roots, copies = [Path(folder, str(job)) for job in range(given.jobs)], SimpleQueue[Path]()
        for root in roots:
            copy_to(root)
            copies.put(root)
        console.print("the tests without a fault ...")
        everything = sorted({test for fault in tried for test in fault.tests.split()})
        shares = [(root, everything[job :: given.jobs], "numba") for job, root in enumerate(roots)]
        for code, said in pool.map(lambda share: ends(*share) if share[1] else (0, ""), shares):
            if code:
                console.print(f"the tests must pass without a fault, got:\n{said}")
                return 2
        runs = pool.map(lambda fault: outcome(fault, copies), tried)
        found = list(track(runs, "faults", len(tried), console=console))
    table = written(tried, [what for what, _ in found])
    if given.output:
        given.output.write_text(table)
    report(console, tried, found)
    return int(any(what != "caught" for what, _ in found))


def report(console: Console, tried: Sequence[Fault], found: Sequence[tuple[str, str]]) -> None:
    """Prints how many were caught in each room, and those that were not."""
    table = Table("room", "faults", "caught")
    total = Counter(fault.room for fault in tried)
    caught = Counter(fault.room for fault, (what, _) in zip(tried, found, strict=True) if what == "caught")
    for room, count in total.items():
        table.add_row(room, str(count), str(caught[room]))
    console.print(table)
    for fault, (what, said) in zip(tried, found, strict=True):
        if what != "caught":
            console.print(
                f"{what}: {fault.what} ({fault.file})\n  {fault.tests}\n{said}", highlight=False, markup=False
            )


def written(tried: Sequence[Fault], outcomes: Sequence[str]) -> str:
    """Returns the outcomes as a page in Markdown."""
    caught = sum(what == "caught" for what in outcomes)
    lines = [
        "# Faults put in on purpose", "",
        "Which faults do the tests notice? Each line below was put into a copy of the code, alone, and the tests that",
        "must fail with it were run. The list is in `benchmarks/mutants/`.", "",
        f"{date.today()}, `python benchmarks/mutants.py`: {caught} of {len(tried)} caught.", "",
        "| file | fault | outcome |", "|---|---|---|",
        *(f"| `{fault.file}` | {fault.what} | {what} |" for fault, what in zip(tried, outcomes, strict=True)),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
