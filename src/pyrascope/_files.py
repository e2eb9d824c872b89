"""Files: opened or refused with one sentence, written whole or not at all."""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from ._check import shorten

DEVICE = "A pipe or device"


def open_to_read(path: str | os.PathLike[str], what: str) -> BinaryIO:
    """Opens a regular file that holds at least one byte; `what` names it in errors ("image file").

    Raises:
        OSError: there is no such file, it is a folder, a pipe or a device, or may not be read (the fitting subclass).
        ValueError: the file is empty, or no file can have this name.
    """
    try:
        status = Path(os.fsdecode(path)).stat()  # before opening: to open a pipe would wait for its writer
        _must_be_regular(status.st_mode)
        file = Path(os.fsdecode(path)).open("rb")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise _refusal(error, f"{what} must be a readable file", path, "check the path") from error
    except ValueError as error:
        raise ValueError(f"{what} must be a readable file, got {_shown(path)} ({error}); check the path") from error
    if status.st_size == 0:
        file.close()
        raise ValueError(f"{what} must hold data, got {_shown(path)} of 0 bytes; fetch or write it again")
    return file


@contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary file beside `path` to write to; on success it becomes `path`, on any failure it is removed.

    So the file appears whole or not at all, and an old one stays until the new one is complete. Links are followed;
    the permissions are those of the old file, or the usual ones for a new file.

    Args:
        path: The file to write, in a folder that exists.

    Yields:
        An empty file in the same folder with the same suffix, so that savers can infer the format.

    Raises:
        OSError: `path` cannot be written (missing or closed folder, a folder itself, a device, a read-only file); the
            fitting subclass, in one sentence, before the block runs.
        ValueError: no file can have this name.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with write_whole(Path(folder, "answer.json")) as part:
        ...         length = part.write_text("[42]")
        ...     [file.name for file in Path(folder).iterdir()], Path(folder, "answer.json").read_text()
        (['answer.json'], '[42]')
    """
    target, part = _prepared(path)
    try:
        yield part
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def write_folder(folder: Path, what: str) -> Iterator[Path]:
    """Gives an empty folder to write to that becomes `folder` on success; on any failure it is removed.

    Folders above it are made where they are missing.

    Args:
        folder: One that is not there yet, or is empty.
        what: Names it in errors, as in "the folder for scenes".

    Raises:
        FileExistsError: `folder` is there already and holds something, or is not a folder.
        OSError: it cannot be written (the fitting subclass).
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{what} must be new or empty, got {_shown(folder)}; give another")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent)
    except OSError as error:
        raise _refusal(error, f"{what} must be one that can be written", folder, "give another") from error
    with part as place:
        made = Path(place) / "whole"
        made.mkdir()
        yield made
        if folder.exists():
            folder.rmdir()
        made.rename(folder)


def through_a_device(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a device or leads through a link of the system to what one of its streams writes to.

    `/dev/stdout` may lead to a regular file, a log that is open for appending; to replace that would lose it.

    Example:
        >>> through_a_device("/dev/stdout"), through_a_device("/dev/null"), through_a_device("answer.json")
        (True, True, False)
    """
    step = Path(os.fsdecode(path))
    try:
        for _ in range(40):  # as many links as the system follows
            if not step.is_symlink():
                break
            folder = Path(os.path.realpath(step.parent))
            if folder == Path("/dev") or folder.is_relative_to("/proc"):
                return True
            step = folder / step.readlink()
        return step.exists() and not step.is_file() and not step.is_dir()
    except (OSError, ValueError):  # no name for a file: what opens it will say so
        return False


def _prepared(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Returns the target with links resolved and a new empty file beside it."""
    try:
        given = Path(os.fsdecode(path))
        if through_a_device(given):
            raise OSError(errno.EINVAL, DEVICE)
        if given.exists():
            _must_be_regular(given.stat().st_mode)
            if not os.access(given, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        target = Path(os.path.realpath(given))
        part = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
        part.open("xb").close()
    except OSError as error:
        hint = "give a file name in a folder that exists and that you may write to"
        raise _refusal(error, "output must be a file that can be written", path, hint) from error
    except ValueError as error:
        raise ValueError(f"output must be a file name, got {_shown(path)} ({error}); give another") from error
    return target, part


def _must_be_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, DEVICE)


def _refusal(error: OSError, expected: str, path: str | os.PathLike[str], hint: str) -> OSError:
    """Returns an error of the same class that says in one sentence what was expected, what came and what to do."""
    return type(error)(f"{expected}, got {_shown(path)} ({error.strerror or error}); {hint}")


def _shown(path: str | os.PathLike[str]) -> str:
    return shorten(os.fsdecode(path), 200)
