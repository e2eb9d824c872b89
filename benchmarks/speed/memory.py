"""Peak memory of a Laplacian build beyond what the process had before, per byte of the pyramid it returns. Linux.

    python benchmarks/speed/memory.py [--size 4096] [--levels 5]

Runs in a process of its own, so that nothing else's peak is counted; the kernels are loaded before.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import torch

import pyrascope as ps


def status(name: str) -> int:
    """Bytes, from the kernel's account of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}")


def extra(size: int, levels: int) -> float:
    """Peak extra bytes over bytes returned, in this process."""
    image = torch.rand(size, size)
    ps.laplacian_pyramid(image[:256, :256], levels)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak until now
    before = status("VmRSS")
    bands = ps.laplacian_pyramid(image, levels)
    return (status("VmHWM") - before) / sum(band.nbytes for band in bands)


def extra_in_subprocess(size: int, levels: int) -> float:
    """The same in a fresh process."""
    command = [sys.executable, __file__, "--size", str(size), "--levels", str(levels)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--levels", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(extra(arguments.size, arguments.levels))
