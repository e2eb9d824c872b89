"""The entry point: runs a command; what goes wrong with its input is one sentence and exit code 2."""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import typer

from .. import __version__
from .compare import compare
from .cost import cost
from .crops import crops
from .importance import importance
from .look import look
from .methods import methods
from .plan import plan
from .pyramid import pyramid
from .scenes import scenes
from .train import train
from .verify import verify

app = typer.Typer(
    name="pyrascope",
    help="Look at images through pyramids: coarse everywhere, fine where it matters, for exactly B visual tokens.",
    epilog="Example: pyrascope plan photo.jpg --budget 256 --out plan.png",
    add_completion=False,
)
app.command(epilog="Example: pyrascope plan photo.jpg --budget 256 --method resize --out plan.png")(plan)
app.command(epilog="Example: pyrascope crops photo.jpg plan.json --patch 28 --min-pixels 3136 --out crops")(crops)
app.command(epilog="Example: pyrascope pyramid photo.jpg --kind laplacian --levels 5 --out pyramid.png")(pyramid)
app.command(epilog="Example: pyrascope compare photo.jpg --budget 256 --out sheet.png")(compare)
app.command(epilog="Example: pyrascope importance photo.jpg --map 'Saliency()' --out map.png")(importance)
app.command(epilog="Example: pyrascope methods anisotropic")(methods)
app.command(epilog="Example: pyrascope cost --tokens 576 -b 128 --drop 8:288 --drop 16:144 --drop 24:72")(cost)
app.command(
    epilog="Example: pyrascope look photo.jpg -q 'what is on the sign?' -b 64 --model llava-hf/llava-1.5-7b-hf"
)(look)
app.command(epilog="Example: pyrascope scenes --seed 7 --count 50 --out scenes/")(scenes)
app.command(epilog="Example: pyrascope train --out run/ --resume")(train)
app.command(epilog="Example: pyrascope verify llava qwen2_5_vl --json verified.json")(verify)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pyrascope {__version__}")
        raise typer.Exit


@app.callback()
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
        code = app(words or ["--help"], prog_name="pyrascope", standalone_mode=False)
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
