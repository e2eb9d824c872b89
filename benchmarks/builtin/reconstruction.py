"""Does giving back hidden pixels (Laplacian loss, weight 0.1) help the built-in model's first stage? An ablation.

    python benchmarks/builtin/reconstruction.py --steps 400 --seeds 2

For each seed two fresh models read the same crops: with all tokens shown and dense targets alone; and with 30 % of the
tokens hidden, whose pixels the tower has to give back. Both are judged by the dense targets of the same new crops with
all tokens shown: percent right where there is something.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean

import numpy as np
import torch

from pyrascope.builtin.architecture import fresh
from pyrascope.builtin.heads import KINDS
from pyrascope.builtin.train.loop import train
from pyrascope.builtin.train.recipe import read
from pyrascope.builtin.train.stage import masked_batch, read_batch, read_loss

HELD, LATE = 20, 10**6
"""Batches that are held back, and a step by which the type is as small as it gets."""


def judged(seed: int, steps: int, reconstruct: bool) -> dict[str, float]:
    """Percent right by kind of target, after so many steps."""
    torch.manual_seed(seed)
    model = fresh(seed)
    with tempfile.TemporaryDirectory() as folder:
        stage = read(steps, masked_batch if reconstruct else read_batch)
        heads = train(Path(folder), model, [stage], seed=seed, workers=0, reconstruct=reconstruct)
    random = np.random.default_rng([1, seed])
    with torch.no_grad():
        seen = [read_loss(model, heads, read_batch(random, LATE))[1] for _ in range(HELD)]
    return {name: 100 * float(np.nanmean([one[name] for one in seen])) for name in KINDS}


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, float]]] = {"dense targets": [], "and reconstruction": []}
    for seed in range(given.seeds):
        for name, rows in found.items():
            rows.append(judged(seed, given.steps, name != "dense targets"))
            print(
                name, f"seed {seed}:", ", ".join(f"{kind} {value:.1f}" for kind, value in rows[-1].items()), flush=True
            )
    for kind in KINDS:
        plain, more = ([row[kind] for row in rows] for rows in found.values())
        apart = [b - a for a, b in zip(plain, more, strict=True)]
        span = f"{min(apart):+.1f} to {max(apart):+.1f}"
        print(f"{kind:10} {mean(plain):5.1f} {mean(more):5.1f}  difference {mean(apart):+.1f} ({span})")
    if given.json:
        given.json.write_text(json.dumps({"steps": given.steps, **found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
