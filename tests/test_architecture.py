"""The house: dependencies run one way, files stay short, importing costs nothing optional."""

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "pyrascope"
ROOMS = {
    "_check": 0, "_typing": 0, "_files": 1, "_pictures": 2,
    "signal": 1, "learning": 1.5,
    "allocation": 2, "tokens": 3, "methods": 4, "models": 5, "io": 5, "api": 6, "evaluation": 7, "viz": 8, "cli": 9,
}  # fmt: skip
"""A room may import itself and rooms with a smaller number."""
OPTIONAL = {"cv2", "rapidocr_onnxruntime", "transformers", "gradio", "av", "tifffile", "zarr", "moderngl", "ray"}
FILES = sorted(SOURCE.rglob("*.py"))


def room(file):
    first = file.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imported(file):
    """(module, line) of every import, relative ones resolved against the package; nested ones included."""
    package = ("pyrascope", *file.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *([node.module] if node.module else [])))
            yield from ((f"{name}.{alias.name}", node.lineno) for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_dependencies_run_one_way(file):
    if file == SOURCE / "__init__.py":
        return
    for name, line in imported(file):
        parts = name.split(".")
        if parts[0] == "pyrascope" and parts[1] != "__version__":
            other = parts[1]
            assert ROOMS[other] < ROOMS[room(file)] or other == room(file), f"{file.name}:{line} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_optional_packages_are_not_imported_at_the_top(file):
    for node in ast.parse(file.read_text()).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None) or ""]
        assert not {name.split(".")[0] for name in names} & OPTIONAL


def test_files_are_short():
    lengths = [len(file.read_text().splitlines()) for file in FILES]
    assert max(lengths) <= 400
    assert statistics.median(lengths) <= 150


def test_no_room_is_a_cupboard():
    assert not [file for file in FILES if file.stem in ("utils", "helpers", "misc", "common")]


def test_every_room_is_in_the_table():
    assert {room(file) for file in FILES} - {"__init__"} == set(ROOMS)
