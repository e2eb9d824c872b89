"""The loop: batches from a process beside it, steps, a line of log now and then, checkpoints that survive a stop."""

import json
import math
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ...learning.training import checkpoint
from ...learning.training.muon import Muon
from ...learning.training.precision import bf16_is_faster
from ..heads import Heads
from .losses import matrices
from .stage import Batch, Stage

LOG = "log.jsonl"
FUSED = 512
"""Tokens from which fused attention takes less time than plain products; its backward is slow at fewer."""


class Batches(Dataset[Batch]):
    """The batches of a stage from step `start` on: batch i depends on the seed, the stage and i alone."""

    def __init__(self, stage: Stage, seed: int, start: int) -> None:
        self.stage, self.seed, self.start = stage, seed, start

    def __len__(self) -> int:
        return max(0, self.stage.steps - self.start)

    def __getitem__(self, index: int) -> Batch:
        torch.set_num_threads(1)
        step = self.start + index
        name = int.from_bytes(self.stage.name.encode()[:4], "big")
        return self.stage.batch(np.random.default_rng([self.seed, name, step]), step)


def optimizers(model: Any, heads: Heads) -> dict[str, torch.optim.Optimizer]:
    """Muon on the matrices inside the blocks of both parts, AdamW on everything else."""
    tower = matrices(model.model.vision_tower.encoder)
    decoder = matrices(model.model.language_model.layers)
    inside = {id(weight) for weight in tower + decoder}
    rest = [weight for part in (model, heads) for weight in part.parameters() if id(weight) not in inside]
    return {
        "muon": Muon([{"params": tower, "name": "tower"}, {"params": decoder, "name": "decoder"}]),
        "adam": torch.optim.AdamW([{"params": rest, "name": "rest"}], betas=(0.9, 0.95), weight_decay=0.02),
    }


def train(
    folder: Path,
    model: Any,
    stages: list[Stage],
    *,
    seed: int = 0,
    resume: bool = False,
    minutes: float = 4,
    workers: int = 1,
    reconstruct: bool = False,
) -> Heads:
    """Runs the stages in order; writes checkpoints and a log to `folder`; returns the heads.

    Args:
        folder: Outside the package.
        model: What `fresh` returns; trained in place.
        stages: What to do.
        seed: Of the batches.
        resume: Goes on from the checkpoint in `folder`.
        minutes: Between checkpoints.
        workers: Processes that make batches; 0: none beside.
        reconstruct: The heads have one that gives pixels back, for stages that hide tokens.
    """
    heads = Heads(model.config.vision_config.hidden_size, pixels=reconstruct)
    parts = {"model": model, "heads": heads}
    optims = optimizers(model, heads)
    state: dict[str, Any] = {"stage": stages[0].name, "step": 0, "seconds": 0.0, "seed": seed}
    if resume:
        state = checkpoint.load(folder, parts, optims)
    bf16 = bf16_is_faster()
    if not resume and (folder / checkpoint.TENSORS).exists():
        raise FileExistsError(f"the folder must hold no checkpoint, found one in {folder}; resume, or give another")
    names = [stage.name for stage in stages]
    if state["stage"] not in names:
        raise ValueError(f"the checkpoint's stage must be one of {', '.join(names)}, got {state['stage']}")
    for stage in stages[names.index(state["stage"]) :]:
        if state["stage"] != stage.name:
            state |= {"stage": stage.name, "step": 0}
        _run(folder, stage, state, parts, optims, minutes, workers, bf16)
    return heads


def _run(
    folder: Path,
    stage: Stage,
    state: dict[str, Any],
    parts: dict[str, Any],
    optims: dict[str, torch.optim.Optimizer],
    minutes: float,
    workers: int,
    bf16: bool,
) -> None:
    """One stage, from the state's step on."""
    model, heads = parts["model"], parts["heads"]
    weights = [weight for part in parts.values() for weight in part.parameters()]
    loader = DataLoader(
        Batches(stage, state["seed"], state["step"]),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    sums: dict[str, list[float]] = defaultdict(list)
    last = saved = time.monotonic()
    for batch in loader:
        tokens = batch["patches"].shape[1]
        model.set_attn_implementation("sdpa" if tokens >= FUSED else "eager")
        for optimizer in optims.values():
            for group in optimizer.param_groups:
                group["lr"] = stage.rates[group["name"]] * stage.rate(state["step"])
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss, seen = stage.loss(model, heads, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for optimizer in optims.values():
            optimizer.step()
        state["step"] += 1
        for name, value in seen.items():
            if not math.isnan(value):
                sums[name].append(value)
        now = time.monotonic()
        state["seconds"] += now - last
        last = now
        if state["step"] % 50 == 0:
            means = {name: round(float(np.mean(values)), 4) for name, values in sorted(sums.items())}
            _log(folder, {key: state[key] for key in ("stage", "step")} | {"seconds": round(state["seconds"])} | means)
            sums.clear()
        if now - saved > 60 * minutes or state["step"] == stage.steps:
            checkpoint.save(folder, parts, optims, state)
            saved = time.monotonic()


def _log(folder: Path, line: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
