"""Exact match of the built-in model by family and layout, on a seed that training never saw.

python benchmarks/builtin.py --samples 330 --seed 2026 [--checkpoint run/ | --weights folder/] [--json scores.json]
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from pyrascope.models.builtin.architecture import fresh
from pyrascope.models.builtin.exam import LAYOUTS, examine
from pyrascope.models.builtin.heads import Heads
from pyrascope.models.builtin.package import load, load_heads
from pyrascope.models.builtin.questions import FAMILIES
from pyrascope.models.builtin.scenes import sample
from pyrascope.models.builtin.train.checkpoint import load as load_checkpoint

ANSWERS = 22
"""Answers that are stored, for a test."""


def loaded(checkpoint: Path | None, weights: Path | None) -> tuple[Any, Heads, dict[str, Any]]:
    """The model and heads of a state of training, of a folder, or of the package."""
    if checkpoint is None:
        return load(weights)[0], load_heads(weights), {}
    model = fresh()
    heads = Heads(model.config.vision_config.hidden_size)
    state = load_checkpoint(checkpoint, {"model": model, "heads": heads})
    return model.eval(), heads.eval(), state


Table = dict[str, dict[str, float]]


def scores(
    model: Any, heads: Heads, seed: int, count: int, layouts: dict[str, int]
) -> tuple[Table, dict[str, list[str]]]:
    """Exact match in percent by layout and family, and what was answered.

    "all" is the mean over samples, "majority" the most common answer of each family on other scenes. `layouts` says how
    many samples each layout is shown.
    """
    samples = [sample(seed, number) for number in range(count)]
    table: Table = {}
    replies = {layout: examine(model, heads, samples[:shown], layout) for layout, shown in layouts.items()}
    rows = {
        layout: [reply == one.answer for reply, one in zip(said, samples, strict=False)]
        for layout, said in replies.items()
    }
    known = [sample(seed + 1, number) for number in range(count)]
    common = {
        family: Counter(one.answer for one in known if one.family == family).most_common(1)[0][0] for family in FAMILIES
    }
    rows["majority"] = [one.answer == common[one.family] for one in samples]
    for layout, right in rows.items():
        by = {
            family: [mark for mark, one in zip(right, samples, strict=False) if one.family == family]
            for family in FAMILIES
        } | {"all": right}
        table[layout] = {family: round(100 * sum(marks) / len(marks), 1) for family, marks in by.items() if marks}
    return table, replies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=330)
    parser.add_argument("--full-samples", type=int, help="of the full grid, which takes longest")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--layouts", nargs="+", default=list(LAYOUTS), choices=LAYOUTS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    shown = dict.fromkeys(given.layouts, given.samples)
    if given.full_samples and "full" in shown:
        shown["full"] = given.full_samples
    model, heads, state = loaded(given.checkpoint, given.weights)
    table, replies = scores(model, heads, given.seed, given.samples, shown)
    print(f"{given.samples} samples of seed {given.seed}; training: {state or 'as stored'}; exact match in percent")
    print(" " * 10 + "".join(f"{family[:8]:>9}" for family in (*FAMILIES, "all")))
    for layout, row in table.items():
        print(f"{layout:10}" + "".join(f"{row.get(family, float('nan')):9.1f}" for family in (*FAMILIES, "all")))
    if given.json:
        found = {"samples": shown, "seed": given.seed, "training": state, "exact match, percent": table}
        found["first answers"] = {layout: said[:ANSWERS] for layout, said in replies.items()}
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
