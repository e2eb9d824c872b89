"""Evidence on real data of where the tokens should go: every part by one name.

    python benchmarks/where.py PART [OPTIONS]      PART: reading, gaze, fidelity, cost
    python benchmarks/where.py reading ICDAR2015 --images 12

Each part is a script of its own in a folder beside this one; its options are told by `PART --help`.
"""

import runpy
import sys
from pathlib import Path

PARTS = {
    "reading": ("reading/reading.py", "words that a real reader finds on the tokens"),
    "gaze": ("pictures/gaze.py", "density of the tokens against fixations of people"),
    "fidelity": ("pictures/fidelity.py", "PSNR of what the tokens show, against resizes"),
    "cost": ("speed/plan.py", "time of a plan beside a pyramid"),
}


def main() -> None:
    """Runs the part that the first argument names; exit code 2 if there is none such."""
    folder = Path(__file__).parent
    parts = {name: part for name, part in PARTS.items() if (folder / part[0]).is_file()}
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in parts:
        listed = "\n".join(f"  {known:9} {text}" for known, (_, text) in parts.items())
        got = f", got {name!r}" if name else ""
        sys.stderr.write(f"where.py needs the part to run as its first argument{got}; there are\n{listed}\n")
        raise SystemExit(0 if name in ("-h", "--help") else 2)
    script = str(folder / parts[name][0])
    sys.argv = [script, *sys.argv[2:]]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
