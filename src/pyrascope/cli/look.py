"""`pyrascope look`: a model answers a question about a picture for exactly B visual tokens."""

import json as json_format
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..builtin.domain import doubts
from ..builtin.folder import default_model
from ..builtin.look import default_method, looking, trained_look
from ..io import as_tensor
from ..models.ask.answer import Answer
from ..models.ask.side_by_side import FULL, LOOK, RESIZE, side_by_side
from ..models.budgets import budget_from
from ..models.by_name import any_method_from
from ..models.options import GRID
from ..models.stock.load import load
from ..viz.look_figure import look_figure
from ..world.wording import knows_these_words_alone
from .outputs import JsonFile, outputs
from .quiet import quiet


def look(  # noqa: PLR0913 - one parameter an option of the command
    image: Annotated[Path, typer.Argument(help="A picture: any format that Pillow reads.", show_default=False)],
    question: Annotated[str, typer.Option("--question", "-q", help="What to ask about it.", show_default=False)],
    budget: Annotated[
        str,
        typer.Option("--budget", "-b", help="Visual tokens to spend, or a ratio of all, as 0.25.", show_default=False),
    ],
    model: Annotated[
        str | None, typer.Option(help="A local folder or a hub id; default: the built-in model.", show_default=False)
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Of any site, by name; 'features:resize' names the site of a name that two sites have; default: "
            "CoarseToFine(method=Zoom()), for the built-in model with share=67. CoarseToFine looks through the model; "
            "through the built-in one by what it was trained to look at.",
            show_default=False,
        ),
    ] = None,
    json: JsonFile = None,
    out: Annotated[Path | None, typer.Option(help="Draw where it looked to this file.", show_default=False)] = None,
    gate: Annotated[
        float | None,
        typer.Option(
            metavar="NATS",
            min=0,
            help="Take the resize's answer where its first token's entropy is below that, and look only where not.",
            show_default=False,
        ),
    ] = None,
    finest: Annotated[
        str,
        typer.Option(help="Finest level of plans: 'grid', the model's; 'source', the picture's; or octaves, 0 to 3."),
    ] = GRID,
    at_most: Annotated[
        bool, typer.Option("--at-most", help="Take all tokens where the picture has fewer than the budget.")
    ] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of the answer.")] = 32,
    full: Annotated[bool, typer.Option("--full/--no-full", help="Ask with all visual tokens too.")] = True,
) -> None:
    """Asks a model about a picture for exactly BUDGET visual tokens, beside a resize and the full budget."""
    chosen, tokens = None if method is None else any_method_from(method), budget_from(budget)
    name = str(default_model()) if model is None else model
    with (
        outputs(json, out, inputs=[image], kinds=("answers", "picture")) as files,
        Console(stderr=True).status("loading") as status,
        quiet(),
    ):
        pixels = as_tensor(image)[0]
        picture = Image.fromarray((pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
        made, processor = load(name)
        warnings = doubts(picture, question) if knows_these_words_alone(processor) else []
        own = trained_look(Path(name))
        chosen = default_method(own) if chosen is None else looking(chosen, own)
        status.update("looking")
        found = side_by_side(
            made,
            processor,
            picture,
            question,
            method=chosen,
            budget=tokens,
            at_most=at_most,
            max_new_tokens=max_new_tokens,
            gate=gate,
            full=full,
            finest=int(finest) if finest.isdecimal() else finest,
        )
        record = {"image": str(image), "question": question, "model": name, "budget": tokens, "warnings": warnings}
        files.write(json_format.dumps(record | _record(found), indent=1) + "\n")
        if out:
            files.draw(look_figure(pixels, question, found))
        status.stop()
        Console().print(_table(found))
        for warning in warnings:
            typer.echo(f"warning: {warning}")


def _record(found: Mapping[str, Answer]) -> dict[str, Any]:
    """What the method found, and beside it what the others did."""
    own = _fields(found[LOOK])
    return {**own, **{name: _fields(found[name]) if name in found else None for name in (RESIZE, FULL)}}


def _fields(one: Answer) -> dict[str, Any]:
    return {
        "answer": one.text,
        "tokens": one.tokens,
        "entropy": one.entropy,
        "method": one.method,
        "seconds": {"first_token": one.first, "planning": one.planning, "looks": one.looks, "all": one.all},
        "plan": None if one.plan is None else json_format.loads(one.plan.to_json()),
    }


def _table(found: Mapping[str, Answer]) -> Table:
    """One row an answer."""
    table = Table(
        "", "tokens", "entropy", "first token", "planning", "looks", "all", "answer", box=None, header_style="bold"
    )
    for column in table.columns[1:-1]:
        column.justify = "right"
    for name, one in found.items():
        times = (f"{seconds:.3f} s" if seconds else "" for seconds in (one.first, one.planning, one.looks, one.all))
        table.add_row(name, f"{one.tokens:.4g}", f"{one.entropy:.2f}", *times, Text(one.text))
    return table
