"""`pyrascope evaluate`: how well a model answers by every method, and what that costs."""

import datetime
import importlib.metadata
import json as json_format
import shlex
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from .. import __version__
from .._check import whole_number
from .._files import write_folder
from ..builtin.folder import default_model
from ..builtin.look import trained_look
from ..evaluation.answers.answering import ask
from ..evaluation.answers.contenders import contenders, named
from ..evaluation.answers.examples import Example, questions, scenes
from ..evaluation.answers.parallel import ask_in_parallel
from ..evaluation.answers.report import ordered, percent, report
from ..evaluation.answers.results import lines_of, results
from ..evaluation.answers.timing import times
from ..models.stock.load import load
from ..viz.pareto_figure import pareto_figure
from ..viz.sheet import DOTS_PER_INCH
from ..viz.style import own_style
from ..world.questions import FAMILIES as WORLD
from .outputs import STANDARD_OUTPUT, JsonFile, outputs
from .quiet import quiet

FAMILIES = ", ".join(WORLD)


def evaluate(  # noqa: PLR0913 - one parameter an option of the command
    budgets: Annotated[str, typer.Option(help="Visual tokens, with commas.")] = "24,48,96,192",
    methods: Annotated[
        str,
        typer.Option(
            help="Of any site, with commas, or all. Full grid, resize, random, oracle, blind and majority are always "
            "there."
        ),
    ] = "coarse-to-fine",
    samples: Annotated[int, typer.Option(min=1, help="Examples of each family.")] = 500,
    model: Annotated[
        str | None, typer.Option(help="A local folder or a hub id; default: the built-in model.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="JSONL of image, question, answer or answers, and where there are such family and evidence; default: "
            "scenes of the built-in world.",
            show_default=False,
        ),
    ] = None,
    families: Annotated[
        str | None, typer.Option(help=f"Only these, with commas; of the scenes: {FAMILIES}.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the scenes.")] = 2027,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")] = 4,
    timed: Annotated[int, typer.Option(min=1, help="Examples whose time is taken.")] = 8,
    workers: Annotated[int, typer.Option(min=1, help="Processes that ask, each with the model.")] = 1,
    json: JsonFile = None,
    out: Annotated[Path | None, typer.Option(help="A new folder for the report.", show_default=False)] = None,
) -> None:
    """Asks a model many questions by every method and budget: accuracies with intervals, times, a report.

    Each question is asked with every method at every budget, beside a plain resize, the full grid, random tokens, no
    picture at all, and tokens placed by somebody who knows where to look.
    """
    counts = numbers(budgets)
    wanted = None if families is None else named(families)
    contenders(named(methods))  # refuses a wrong name before anything is loaded
    name = str(default_model()) if model is None else model
    console = Console(stderr=True)
    with (
        outputs(json, inputs=[data], kinds=("facts", "report")) as files,
        write_folder(out, "the folder for the report") if out else nullcontext() as folder,
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
        quiet(),
    ):
        examples, total = _examples(data, samples, wanted, seed)
        made, processor = load(name)
        rows = contenders(named(methods), trained_look(Path(name)))
        task = bar.add_task("asking", total=total)

        def each(done: int) -> None:
            bar.update(task, completed=done)

        run = (
            ask(made, processor, examples, rows, counts, max_new_tokens=max_new_tokens, each=each)
            if workers == 1
            else ask_in_parallel(
                name, examples, named(methods), counts, workers=workers, max_new_tokens=max_new_tokens, each=each
            )
        )
        few = list(islice(_examples(data, samples, wanted, seed)[0], min(timed, total)))
        clock = bar.add_task("taking times", total=None)
        taken = times(
            made, processor, few, rows, counts, max_new_tokens=max_new_tokens, each=lambda: bar.advance(clock)
        )
        about = {
            "title": f"{len(run.asked)} questions to {'the built-in model' if model is None else Path(name).name}",
            "model": "built-in" if model is None else name,
            "questions": str(data) if data else f"built-in world, seed {seed}, {samples} of each family",
            "families": ", ".join(dict.fromkeys(one.family for one in run.asked)),
            "budgets": ", ".join(map(str, counts)),
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "command": shlex.join(["pyrascope", *sys.argv[1:]]),
            "versions": f"pyrascope {__version__}, torch {torch.__version__}, "
            f"transformers {importlib.metadata.version('transformers')}, {torch.get_num_threads()} threads",
        }
        facts = results(run, taken, about)
        text = json_format.dumps(facts, indent=1, allow_nan=False) + "\n"
        files.write(text)
        if folder:
            (folder / "results.json").write_text(text, encoding="utf-8")
            lines = "".join(json_format.dumps(line, allow_nan=False) + "\n" for line in lines_of(run))
            (folder / "records.jsonl").write_text(lines, encoding="utf-8")
            (folder / "report.md").write_text(report(facts), encoding="utf-8")
            with own_style():
                pareto_figure(facts).savefig(folder / "pareto.png", dpi=DOTS_PER_INCH)
        bar.stop()
        Console().print(_table(facts["rows"]))
        for note in [*facts["notes"], *_refusals(facts["refused"])]:
            typer.echo(note)
    if out:
        typer.echo(f"report written to {out}", err=json == STANDARD_OUTPUT)


def numbers(text: str) -> list[int]:
    """Returns the budgets that a text with commas names, rising.

    >>> numbers("96, 24")
    [24, 96]
    """
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise ValueError(f"--budgets must be whole numbers with commas, as in 24,96, got {text!r}") from None
    return [whole_number(one, "a budget", 1) for one in found]


def _examples(
    data: Path | None, samples: int, families: Sequence[str] | None, seed: int
) -> tuple[Iterable[Example], int]:
    """The examples, and how many: of a file at most `samples` of each family."""
    if data is None:
        whole_number(seed, "--seed", 0)
        return scenes(seed, samples, families), samples * len(families or WORLD)
    seen: dict[str, int] = {}
    kept = []
    for one in questions(data, families):
        seen[one.family] = seen.get(one.family, 0) + 1
        if seen[one.family] <= samples:
            kept.append(one)
    return kept, len(kept)


def _refusals(refused: Sequence[dict[str, Any]]) -> list[str]:
    return [f"{one['method']} at {one['budget'] or 'no budget'} is left out: {one['reason']}" for one in refused]


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("method", "budget", "tokens", "right, %", "beside resize", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for one in ordered(rows):
        budget = "" if one["budget"] is None else str(one["budget"])
        accuracy, apart = percent(one["accuracy"]), percent(one["beside_resize"], signed=True)
        table.add_row(one["method"], budget, f"{one['tokens']:.4g}", accuracy, apart)
    return table
