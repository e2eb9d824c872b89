"""Output files of commands: refused before the work starts, whole or absent after it, never over an input."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image

from .._files import through_a_device
from ..io import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STANDARD_OUTPUT = Path("-")
JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the same to this JSON file; -: to standard output.", show_default=False
    ),
]


@dataclass
class Outputs:
    """Where a command writes: its JSON and its picture, each None where nobody asked for it."""

    json: Path | StringIO | None = None
    picture: Path | None = None

    def write(self, text: str) -> None:
        """Writes the JSON, if asked for."""
        if isinstance(self.json, StringIO):
            self.json.write(text)
        elif self.json:
            self.json.write_text(text, encoding="utf-8")

    def draw(self, figure: "Figure") -> None:
        """Writes the picture."""
        from ..viz.sheet import DOTS_PER_INCH
        from ..viz.style import own_style

        if self.picture:
            with own_style():
                figure.savefig(self.picture, dpi=DOTS_PER_INCH)


@contextmanager
def outputs(
    json: Path | None = None,
    out: Path | None = None,
    *,
    inputs: Iterable[Path | str | None] = (),
    kinds: tuple[str, str] = ("table", "picture"),
) -> Iterator[Outputs]:
    """Gives places to write to that become the files asked for on success, and then says so.

    With `--json -` all that is printed within the block goes to standard error, and the JSON to standard output.

    Args:
        json: File for JSON, or "-".
        out: File for a picture.
        inputs: What the command reads; none of it is written over.
        kinds: What the two are called.

    Raises:
        ValueError: an output of another kind than its ending says, over an input, through a device, or one for both.
        OSError: a file that cannot be written.
    """
    if json and out and json.resolve() == out.resolve():
        raise ValueError(f"--json and --out must be two files, got {json} for both")
    if json and json != STANDARD_OUTPUT:
        _must_be_json(json)
    if out:
        _must_be_picture(out)
    files, read, printed = Outputs(), list(inputs), StringIO()
    with ExitStack() as stack:
        if json == STANDARD_OUTPUT:
            files.json = printed
            stack.enter_context(redirect_stdout(sys.stderr))
        elif json:
            files.json = stack.enter_context(output(json, inputs=read, option="--json"))
        if out:
            files.picture = stack.enter_context(output(out, inputs=read, option="--out"))
        yield files
    if json == STANDARD_OUTPUT:
        typer.echo(printed.getvalue().rstrip("\n"))
    for kind, path in zip(kinds, (json, out), strict=True):
        if path not in (None, STANDARD_OUTPUT):
            typer.echo(f"{kind} written to {path}", err=json == STANDARD_OUTPUT)


@contextmanager
def output(path: Path, *, inputs: Iterable[Path | str | None] = (), option: str = "output") -> Iterator[Path]:
    """Gives a place to write to that becomes `path` on success. Makes the folder if it is missing.

    Raises:
        ValueError: the path is one of the inputs.
        OSError: the path cannot be written.
    """
    if any(one is not None and _same(path, one) for one in inputs):
        raise ValueError(f"{option} must not be a file that is read, got {path}; give another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"output must be a file in a folder, got {path} ({error.strerror}); give another") from error
    with write_whole(path) as part:
        yield part


def _same(path: Path, other: Path | str) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # one of the two is not a file
        return False


def _must_be_json(path: Path) -> None:
    """Refuses a device, an ending of pictures, and a file that is there and whose ending is another."""
    if through_a_device(path):
        raise ValueError(f"--json must be a file, got {path}, which is a device; for standard output give --json -")
    ending = path.suffix.lower()
    if ending != ".json" and (_same(path, path) or ending in Image.registered_extensions()) and not path.is_dir():
        raise ValueError(
            f"--json must be a file that ends in .json, or - for standard output, got {path}; "
            "give the name of the file that is to be written right after --json"
        )


def _must_be_picture(path: Path) -> None:
    """Refuses what is not a picture by its ending."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in formats:
        known = ", ".join(f".{name}" for name in ("png", "svg", "pdf", "jpg") if name in formats)
        raise ValueError(f"a picture must be written to a file that ends in one of {known}, got {path}")
