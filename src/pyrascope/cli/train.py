"""`pyrascope train`: the recipe that made the built-in model's weights."""

from pathlib import Path
from typing import Annotated

import typer

from .._check import whole_number


def train(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, log.jsonl and, at the end, the model.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    export_only: Annotated[
        bool, typer.Option("--export-only", help="Write the model of the folder's checkpoint and stop.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Train on uniform grids alone.")] = False,
    reconstruct: Annotated[
        bool, typer.Option("--reconstruct", help="Hide tokens in the first stage, with a Laplacian loss on pixels.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the weights and the batches.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of the training; batches are made in a process beside it.")] = 1,
) -> None:
    """Trains the built-in model on the CPU: reading first, then questions; may be stopped and resumed at any time."""
    import torch

    from ..builtin.architecture import fresh
    from ..builtin.heads import Heads
    from ..builtin.package import export
    from ..builtin.train.loop import train as run
    from ..builtin.train.recipe import recipe
    from ..learning.training.checkpoint import load

    whole_number(seed, "--seed", 0)
    torch.set_num_threads(whole_number(threads, "--threads", 1))
    model = fresh(seed)
    if export_only:
        heads = Heads(model.config.vision_config.hidden_size, pixels=reconstruct)
        load(out, {"model": model, "heads": heads})
    else:
        heads = run(
            out,
            model,
            recipe(plain=plain, reconstruct=reconstruct),
            seed=seed,
            resume=resume,
            reconstruct=reconstruct,
        )
    export(model, heads, out / "model")
    typer.echo(f"model written to {out / 'model'}, the log to {out / 'log.jsonl'}")
