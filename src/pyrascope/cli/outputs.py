"""Output files of commands: refused before the work starts, whole or absent after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matplotlib.backend_bases import FigureCanvasBase

from ..io import write_whole


@contextmanager
def output(path: Path, *, picture: bool = False) -> Iterator[Path]:
    """Gives a place to write to that becomes `path` on success. Makes the folder if it is missing.

    Raises:
        ValueError: a picture of a format that cannot be written, by its suffix.
        OSError: the path cannot be written.
    """
    formats = FigureCanvasBase.get_supported_filetypes()
    if picture and path.suffix.lstrip(".").lower() not in formats:
        known = ", ".join(f".{name}" for name in ("png", "svg", "pdf", "jpg") if name in formats)
        raise ValueError(f"a picture must be written to a file that ends in one of {known}, got {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"output must be a file in a folder, got {path} ({error.strerror}); give another") from error
    with write_whole(path) as part:
        yield part


def two_files(json: Path | None, out: Path | None) -> None:
    """Refuses one file for two outputs."""
    if json and out and json.resolve() == out.resolve():
        raise ValueError(f"--json and --out must be two files, got {json} for both")
