"""What it takes to start: the modules that `import pyrascope` loads, and the CPU time of `pyrascope --help`.

    python benchmarks/speed/startup.py [--rounds 5]

CPU seconds (user and system) of fresh processes, the least of the rounds, beside `python -c "import torch"`.
"""

import argparse
import resource
import subprocess
import sys

LATE = ("torch", "numpy", "matplotlib", "transformers", "numba", "PIL")
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import torch": ["-c", "import torch"],
    "import pyrascope": ["-c", "import pyrascope"],
    "import pyrascope; ps.plan": ["-c", "import pyrascope; pyrascope.plan"],
    "pyrascope --help": ["-m", "pyrascope", "--help"],
    "pyrascope plan --help": ["-m", "pyrascope", "plan", "--help"],
}


def seconds(words: list[str]) -> float:
    """CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(rounds: int) -> None:
    """Prints the modules and the table."""
    script = f"import sys, pyrascope; print(*[name for name in {LATE} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    print(f"import pyrascope loads, of {', '.join(LATE)}: {', '.join(loaded) or 'none'}")
    least = {name: min(seconds(words) for _ in range(rounds)) for name, words in COMMANDS.items()}
    for name, taken in least.items():
        print(f"{name:28} {taken:5.2f} s   {taken - least['import torch']:+.2f} s beside import torch")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    main(**vars(parser.parse_args()))
