"""`pyrascope crops`: a plan as ordinary images for models and servers that take no plans."""

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..allocation.plan import Plan
from ..api import cut
from ..io import read_image
from .outputs import output


def crops(
    image: Annotated[Path, typer.Argument(help="The picture that the plan is for.", show_default=False)],
    plan: Annotated[Path, typer.Argument(help="Its plan, as `pyrascope plan --json` wrote it.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="Folder for 0.png (the thumbnail), 1.png ... and crops.json.", show_default=False)
    ],
    patch: Annotated[
        int | None,
        typer.Option(
            help="Pixels along a side of what becomes one token (28 for Qwen2-VL and Qwen2.5-VL, 32 for Qwen3-VL); "
            "default: the plan's cell.",
            show_default=False,
        ),
    ] = None,
    min_pixels: Annotated[int, typer.Option(help="Fewest pixels of an image that the processor takes as it is.")] = 1,
    max_pixels: Annotated[
        int | None, typer.Option(help="Most pixels of an image that the processor takes as it is.", show_default=False)
    ] = None,
    tokens_per_crop: Annotated[
        int | None,
        typer.Option(
            help="Instead of --patch, for a processor that makes as many tokens of every image (LLaVA-1.5: 576, "
            "Gemma3: 256).",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="With --tokens-per-crop: side of the images in pixels (336, 896).", show_default=False),
    ] = None,
) -> None:
    """Cuts a thumbnail and crops that a stock processor turns into exactly the plan's tokens."""
    made, source = Plan.load(plan), read_image(image)
    height, width = source.shape[:2]
    if made.image_size != (height, width):
        wanted = "x".join(map(str, made.image_size))
        raise ValueError(f"IMAGE must be {wanted} px as its plan, got {height}x{width}; make a plan for this image")
    found = made.crops(patch, min_pixels, max_pixels, tokens_per_crop=tokens_per_crop, size=size)
    names = [f"{number}.png" for number in range(len(found))]
    listed = [{"file": name, **asdict(crop)} for name, crop in zip(names, found, strict=True)]
    with ExitStack() as files:
        parts = [
            files.enter_context(output(out / name, inputs=[image, plan], option="--out"))
            for name in (*names, "crops.json")
        ]
        for part, picture in zip(parts[:-1], cut(source, found), strict=True):
            picture.save(part, format="PNG")
        parts[-1].write_text(json.dumps(listed, indent=1), encoding="utf-8")
    for name, crop in zip(names, found, strict=True):
        y0, x0, y1, x1 = crop.box
        height, width = crop.size
        tokens = "1 token" if crop.tokens == 1 else f"{crop.tokens} tokens"
        typer.echo(f"{name}: rows {y0} to {y1}, columns {x0} to {x1}, as {height}x{width} px, {tokens}")
    typer.echo(f"{sum(crop.tokens for crop in found)} tokens in all, written to {out}")
