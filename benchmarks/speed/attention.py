"""What attention across scales saves: operations, counted, and process CPU time, against full attention.

    python benchmarks/speed/attention.py [--width 768] [--heads 12] [--rounds 15]

Rows are numbers of coarse, medium and fine tokens. "core" is scores and weighted sums, "layer" adds the four linear
maps, which every layer of attention has. Operations by formula, which a test holds against torch's own counter; times
are ratios of medians of process CPU time, interleaved, one thread, forward only, float32, without gradient.
"""

import argparse
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from statistics import median

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.nn.functional import scaled_dot_product_attention

from pyrascope.learning.nn.attention import CrossScaleAttention, cross_scale_attention, cross_scale_flops

MIXES = ((64, 128, 128), (64, 128, 400), (60, 50, 40), (80, 90, 103), (256, 512, 512), (64, 256, 1024), (16, 64, 256))


def ratio(candidate: Callable[[], object], base: Callable[[], object], rounds: int) -> float:
    """Median process CPU time of `candidate` over that of `base`, interleaved after two rounds of warm-up."""
    times: dict[Callable[[], object], list[float]] = {candidate: [], base: []}
    for round_number in range(-2, rounds):
        for run, found in times.items():
            start = time.process_time()
            run()
            if round_number >= 0:
                found.append(time.process_time() - start)
    return median(times[candidate]) / median(times[base])


def row(mix: tuple[int, ...], own: bool, width: int, heads: int, rounds: int) -> list[str]:
    """One row of the table."""
    counts = dict(enumerate(reversed(mix)))
    n = sum(mix)
    levels = torch.tensor([level for level, count in counts.items() for _ in range(count)])
    query, key, value = torch.randn(3, 1, heads, n, width // heads)
    tokens, layer = torch.randn(1, n, width), CrossScaleAttention(width, heads, own)
    full, linear = 4 * width * n**2, 8 * width**2 * n
    core = cross_scale_flops(counts, width, own)
    with torch.no_grad():
        mine = partial(cross_scale_attention, query, key, value, levels, own)
        core_time = ratio(mine, partial(scaled_dot_product_attention, query, key, value), rounds)
        layer_time = ratio(partial(layer, tokens, levels), partial(layer, tokens, torch.zeros_like(levels)), rounds)
    saved = [1 - core / full, 1 - core_time, 1 - (core + linear) / (full + linear), 1 - layer_time]
    return ["/".join(map(str, mix)), "yes" if own else "no", *(f"{100 * share:.0f} %" for share in saved)]


def main() -> None:
    """Counts, times and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    if options.rounds < 1 or options.heads < 1 or options.width < 1 or options.width % options.heads:
        parser.error("--width must be a multiple of --heads, and --rounds 1 or more")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table = Table("tokens", "own level too", "core: ops saved", "time saved", "layer: ops saved", "time saved")
    for mix in track(MIXES, "mixes", console=Console(stderr=True)):
        for own in (False, True):
            table.add_row(*row(mix, own, options.width, options.heads, options.rounds))
    console = Console(width=110)
    console.print(table)
    console.print(f"width {options.width}, {options.heads} heads, torch {torch.__version__}, {date.today()}")


if __name__ == "__main__":
    main()
