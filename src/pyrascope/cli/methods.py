"""`pyrascope methods`: what there is to choose from, and what can be set."""

import json as json_format
from dataclasses import asdict, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from .._check import shorten
from ..methods.catalogue import Entry, Option, entries
from ..methods.named import near_names
from .outputs import JsonFile, outputs

WIDTH = 100
LONGEST = 44  # characters of a default in the table; whole in the full description


def methods(
    name: Annotated[str | None, typer.Argument(help="Show this one in full.", show_default=False)] = None,
    json: JsonFile = None,
) -> None:
    """Lists the methods and the importance maps with their options, or shows one in full."""
    chosen = entries() if name is None else _found(name)
    with outputs(json, kinds=("list", "")) as files:
        files.write(json_format.dumps([asdict(entry) for entry in chosen], indent=1))
        console = Console()
        if console.width > WIDTH:
            console.width = WIDTH
        if name is None:
            for kind, title in (("method", "Methods"), ("map", "Importance maps")):
                console.print(_table(title, [entry for entry in chosen if entry.kind == kind]))
            console.print("More about one: pyrascope methods NAME", highlight=False)
        else:
            for entry in chosen:
                _print_whole(console, entry)


def _found(name: str) -> list[Entry]:
    """What has this name (or class name): a method, a map, or one of each."""
    known = entries()
    chosen = [entry for entry in known if name in (entry.name, entry.call.split("(")[0])]
    if not chosen:
        near = near_names(name, [entry.name for entry in known], 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`pyrascope methods` lists all"
        raise ValueError(f"name must be that of a method or an importance map, got {shorten(name)}; {hint}")
    return chosen


def _table(title: str, chosen: list[Entry]) -> Table:
    """Name and budget, idea and options of each."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 1, 0))
    budgets = any(entry.budget for entry in chosen)
    table.add_column("name", no_wrap=True, style="bold")
    if budgets:
        table.add_column("budget", width=13)
    table.add_column("idea; options with their defaults; what it reads if given")
    for entry in chosen:
        lines = [escape(entry.idea)]
        if entry.options:
            lines.append("[cyan]" + escape(", ".join(map(_short, entry.options))) + "[/cyan]")
        if entry.reads:
            lines.append(f"[dim]reads {', '.join(entry.reads)}[/dim]")
        table.add_row(entry.name, *([entry.budget] if budgets else []), "\n".join(lines))
    return table


def _short(option: Option) -> str:
    """An option and its default, of a long one its beginning."""
    default = option.default
    if default is not None and len(default) > LONGEST:
        default = default.split("(")[0] + "(...)"
    return _whole(replace(option, default=default))


def _whole(option: Option) -> str:
    """An option and its default."""
    return f"{option.name} (must be given)" if option.default is None else f"{option.name}={option.default}"


def _print_whole(console: Console, entry: Entry) -> None:
    """Prints everything about a method or map."""
    if entry.kind == "method":
        example = f"pyrascope plan photo.jpg --budget 256 --method {entry.name} --out plan.png"
        python = f"ps.plan(image, 256, ps.methods.{entry.call.split('(')[0]}())"
    else:
        example = f"pyrascope importance photo.jpg --map '{entry.example}' --out map.png"
        python = f"ps.importance_map(image, ps.importance.{entry.example})"
    facts = [("budget", entry.budget), ("reads, if given", ", ".join(entry.reads)), ("made as", entry.call)]
    console.print(f"[bold]{entry.name}[/bold] ({'method' if entry.kind == 'method' else 'importance map'})")
    console.print()
    for paragraph in entry.text.split("\n\n"):
        if paragraph.startswith("Attributes:"):
            console.print("Options:", highlight=False)
            for option in entry.options:
                console.print(Padding(escape(f"{_whole(option)}: {option.meaning}"), (0, 0, 0, 4)), highlight=False)
        else:
            console.print(escape(" ".join(paragraph.split())), highlight=False)
        console.print()
    for title, value in facts:
        if value:
            console.print(f"{title}: {escape(value)}", highlight=False)
    console.print(f"\nExample: {escape(example)}", highlight=False, soft_wrap=True)
    console.print(f"In Python: {escape(python)}", highlight=False, soft_wrap=True)
