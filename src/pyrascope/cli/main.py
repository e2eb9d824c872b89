"""The entry point: runs a command; what goes wrong with its input is one sentence and exit code 2."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import typer

from .. import __version__

COMMANDS = {
    "plan": (
        "Decides where exactly BUDGET visual tokens go on an image, or on several, and shows it.",
        "plan photo.jpg --budget 256 --method resize --out plan.png",
    ),
    "crops": (
        "Cuts a thumbnail and crops that a stock processor turns into exactly the plan's tokens.",
        "crops photo.jpg plan.json --patch 28 --min-pixels 3136 --out crops",
    ),
    "pyramid": (
        "Draws the levels of an image's pyramid, fine to coarse; of a steerable one, by orientation too.",
        "pyramid photo.jpg --kind laplacian --levels 5 --out pyramid.png",
    ),
    "compare": (
        "Puts the plans of all methods for one image side by side, a plain resize first.",
        "compare photo.jpg --budget 256 --out sheet.png",
    ),
    "importance": (
        "Says how much each cell of an image matters (mean 1); MAP is 'Saliency()' by default.",
        "importance photo.jpg --map 'Saliency()' --out map.png",
    ),
    "methods": (
        "Lists the methods and the importance maps with their options, or shows one in full.",
        "methods anisotropic",
    ),
    "cost": (
        "Says what visual tokens cost a decoder: operations of the prefill, bytes of the cache in 16 bits.",
        "cost --tokens 576 -b 128 --drop 8:288 --drop 16:144 --drop 24:72",
    ),
    "look": (
        "Asks a model about a picture for exactly BUDGET visual tokens, beside a resize and the full budget.",
        "look photo.jpg -q 'what is on the sign?' -b 64 --model llava-hf/llava-1.5-7b-hf",
    ),
    "evaluate": (
        "Asks a model many questions by every method and budget: accuracies with intervals, times, a report.",
        "evaluate --budgets 24,96 --methods coarse-to-fine,two-levels --samples 100 --out report/",
    ),
    "scenes": (
        "Draws scenes that the built-in model can be asked about, each with a question and its answer.",
        "scenes --seed 7 --count 50 --out scenes/",
    ),
    "train": (
        "Trains the built-in model on the CPU: reading first, then questions; may be stopped and resumed at any time.",
        "train --out run/ --resume",
    ),
    "verify": (
        "Checks that models with reduced visual tokens agree with themselves; exits with 1 where a check fails.",
        "verify llava qwen2_5_vl --json verified.json",
    ),
}
"""What each command does, as its docstring says in the first line, and an example. Each is a file of its name."""


def _app(asked: str) -> typer.Typer:
    """The command line with one command in full, and of the others their names and what they do.

    What a command needs takes a second and more to import: only the one that runs is.
    """
    app = typer.Typer(
        name="pyrascope",
        help="Look at images through pyramids: coarse everywhere, fine where it matters, for exactly B visual tokens.",
        epilog="Example: pyrascope plan photo.jpg --budget 256 --out plan.png",
        add_completion=False,
    )
    app.callback()(_options)
    for name, (does, example) in COMMANDS.items():
        function = getattr(import_module(f".{name}", __package__), name) if name == asked else lambda: None
        text = _unwrapped(function.__doc__ or "") if name == asked else does
        app.command(name, help=text, epilog=f"Example: pyrascope {example}")(function)
    return app


def _unwrapped(text: str) -> str:
    """The paragraphs of a docstring, each in one line: the terminal breaks lines where it ends."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pyrascope {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; exits with 0, or with 2 and one sentence on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a mark that the terminal's encoding lacks ends no command
    if "matplotlib" not in sys.modules:  # figures go to files; a notebook's own backend may not be installed here
        os.environ["MPLBACKEND"] = "agg"
    try:
        code = _app(words[0] if words else "")(words or ["--help"], prog_name="pyrascope", standalone_mode=False)
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        typer.echo(f"pyrascope: {sentence}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _sentence(error: Exception) -> str | None:
    """What to tell the user about an error that the input caused; None for a fault of the program."""
    if hasattr(error, "format_message"):  # the parser's own errors
        return " ".join(str(error.format_message()).split()).rstrip(".") + "; see --help"
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return "the image needs more memory than there is; give a smaller one"
    if isinstance(error, ValueError | TypeError | OSError | ImportError | NotImplementedError):
        return " ".join(str(error).split())
    return None
