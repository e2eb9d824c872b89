"""`pyrascope cost`: what visual tokens cost a language model."""

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from .._check import one_of
from .._files import open_to_read
from ..allocation.budgets.cost import DECODERS, Decoder, flops, kv_bytes, mean_tokens, staged
from .outputs import JsonFile, outputs


def cost(
    tokens: Annotated[int, typer.Option(help="Visual tokens at the full budget.")] = 576,
    budget: Annotated[
        list[int] | None, typer.Option("--budget", "-b", help="Visual tokens to compare with; may be repeated.")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="LAYER:COUNT", help="Keep so many after the first LAYER layers; may be repeated."),
    ] = None,
    model: Annotated[str, typer.Option(help=f"Sizes by name: {', '.join(DECODERS)}.")] = "llava-1.5-7b",
    config: Annotated[
        Path | None, typer.Option(help="Sizes from a config.json as transformers writes it.", show_default=False)
    ] = None,
    text: Annotated[int, typer.Option(help="Text tokens beside them.")] = 0,
    multiply_add: Annotated[int, typer.Option(help="What a multiply-add counts: 1 or 2.")] = 1,
    json: JsonFile = None,
) -> None:
    """Says what visual tokens cost a decoder: operations of the prefill, bytes of the cache in 16 bits."""
    decoder = DECODERS[one_of(model, "--model", DECODERS)] if config is None else _sizes(config)
    cases = {f"{count} tokens": staged(decoder, count) for count in [tokens, *(budget or [])]}
    if drop:
        cases[f"{tokens} tokens, dropped at {', '.join(drop)}"] = staged(decoder, tokens, _drops(drop))
    rows: list[dict[str, Any]] = [
        {
            "case": name,
            "mean_tokens": mean_tokens(counts),
            "flops": flops(decoder, counts, text, multiply_add),
            "kv_bytes": kv_bytes(decoder, counts),
        }
        for name, counts in cases.items()
    ]
    with outputs(json, inputs=[config]) as files:
        files.write(json_format.dumps(rows, indent=1))
        Console().print(_table(rows))
        counted = "one" if multiply_add == 1 else "two"
        typer.echo(f"A multiply-add counts as {counted}; {text} text tokens; the prefill of the decoder alone.")


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("", "tokens a layer", "operations", "of the first", "cache", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row["case"],
            f"{row['mean_tokens']:.1f}",
            f"{row['flops'] / 1e12:.3g} T",
            f"{row['flops'] / max(rows[0]['flops'], 1):.1%}",
            f"{row['kv_bytes'] / 2**20:.3g} MiB",
        )
    return table


def _sizes(path: Path) -> Decoder:
    with open_to_read(path, "--config") as file:
        text = file.read()
    try:
        return Decoder.from_config(json_format.loads(text))
    except (AttributeError, TypeError, UnicodeDecodeError, json_format.JSONDecodeError) as error:
        raise ValueError(f"--config must be a JSON object of sizes, got {path} ({error})") from None


def _drops(texts: list[str]) -> dict[int, int]:
    found = {}
    for text in texts:
        layer, colon, count = text.partition(":")
        if not colon or not layer.strip().isdecimal() or not count.strip().isdecimal():
            raise ValueError(f"--drop must be LAYER:COUNT, as in 8:288, got {text[:40]!r}")
        if int(layer) in found:
            raise ValueError(f"--drop must name each layer once, got layer {int(layer)} twice; leave one out")
        found[int(layer)] = int(count)
    return found
