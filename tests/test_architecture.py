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
TESTS = sorted({*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("test_*.py")})
ROUNDING = 1e-4
"""A tolerance below this stands for rounding, and rounding has one table."""
TINY = 1e-20
"""What is below this is a value of its own: no rounding of numbers near 1 is as small."""
WIDTHS = {"atol", "rtol", "abs", "rel", "abs_tol", "rel_tol", "tol"}


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


def literals(node):
    """The numbers of floating point written in an expression."""
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, float)]


def tolerances(tree):
    """(line, number) of every tolerance that a file writes out: arguments, names such as TOLERANCE, and `x + 1e-9`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in WIDTHS:
            yield from ((node.value.lineno, number) for number in literals(node.value))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id.isidentifier()]
            if any("tolerance" in name.lower() or name.lower() in WIDTHS for name in names):
                yield from ((node.lineno, number) for number in literals(node.value))
        elif isinstance(node, ast.Compare):
            yield from slack(node)


def slack(compare):
    """Numbers that an ordering is softened by: `a <= b + 1e-9`, `a >= b * (1 - 1e-9)`, `abs(a - b) < 1e-9`."""
    if any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in compare.ops):
        parts = [compare.left, *compare.comparators]
        while parts:
            part = parts.pop()
            if isinstance(part, ast.Constant | ast.UnaryOp):
                yield from ((part.lineno, number) for number in literals(part))
            elif isinstance(part, ast.BinOp):
                parts += part.left, part.right


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("assert_close(a, b, rtol=0, atol=1e-6)", 1e-6),
        ("assert a == approx(b, abs=2 * 3e-5)", 3e-5),
        ("TOLERANCE = {torch.float32: 5e-7}", 5e-7),
        ("tolerance = 1e-5 * scale", 1e-5),
        ("assert a <= b + 1e-9", 1e-9),
        ("assert abs(a - b) < 1e-12", 1e-12),
        ("assert a >= b * (1 - 1e-6)", 1e-6),
        ("assert a > -1e-6", 1e-6),
        ("assert loss(x, x + 1e-9) > 0", None),
        ("weights = [1e-9, 1]", None),
        ("assert a == approx(b, abs=room(3))", None),
    ],
)
def test_the_guard_sees_a_tolerance_and_nothing_else(line, number):
    assert [found for _, found in tolerances(ast.parse(line)) if found < 1] == [number] * (number is not None)


def test_rounding_has_one_table():
    found = [
        f"{file.relative_to(ROOT)}:{line} has {number:g}"
        for file in TESTS
        if file.name not in ("tolerances.py", Path(__file__).name)
        for line, number in tolerances(ast.parse(file.read_text()))
        if TINY < number < ROUNDING
    ]
    advice = "use `near` of tests/tolerances.py: it scales by type, depth and size, so that it holds on any processor"
    assert not found, f"tolerances below {ROUNDING:g} stand for rounding; {advice}: {', '.join(found)}"
