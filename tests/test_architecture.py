"""The house: dependencies run one way, files stay short, importing costs nothing optional."""

import ast
import statistics
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "pyrascope"
ROOMS = {
    "": (
        "_moved", "_check", "_typing", "_files", "_pictures", "signal", "learning", "world", "allocation", "io",
        "tokens", "methods", "models", "builtin", "api", "evaluation", "viz", "cli", "__main__",
    ),
    "allocation": (
        "ties", "export", "cover", "plan", "budgets", "contracts", "tree", "importance", "difficulty", "grids",
    ),
    "learning": ("training", "nn", "losses"),
    "models": (
        "sites", "budgets", "options", "stock", "families", "prompts", "host", "held", "look", "pixels", "features",
        "fewer",
        "layers", "attach", "prepare", "ask", "verify", "by_name",
    ),
    "evaluation": ("bootstrap", "pictures", "answers", "lmms_eval"),
}  # fmt: skip
"""The rooms of the house and of its large rooms, lowest first: each may import itself and those before it."""
OPTIONAL = {"cv2", "rapidocr_onnxruntime", "transformers", "gradio", "av", "tifffile", "zarr", "moderngl", "ray"}
FILES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted({*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("test_*.py")})
ROUNDING = 1e-4
"""A tolerance below this stands for rounding, and rounding has one table."""
TINY = 1e-20
"""What is below this is a value of its own: no rounding of numbers near 1 is as small."""
WIDTHS = {"atol", "rtol", "abs", "rel", "abs_tol", "rel_tol", "tol"}


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


def module(file):
    """The dotted name of a file below the package: "models.stock.encode", and "models.stock" of its `__init__.py`."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(file): file for file in FILES}


def links():
    """(module, imported module, line) of every import of one file of the package by another."""
    for name, file in MODULES.items():
        for target, line in imported(file):
            target = target.removeprefix("pyrascope").removeprefix(".")
            target = target if target in MODULES else target.rpartition(".")[0]
            if target in MODULES and target not in (name, ""):  # the package itself: its version
                yield name, target, line


LINKS = sorted(set(links()))


def room(name, floor):
    """The room of a module in the large room `floor`; None where it lies elsewhere or is that room's own door."""
    inside = name.removeprefix(f"{floor}." if floor else "")
    return None if not inside or (floor and inside == name) else inside.partition(".")[0]


@pytest.mark.parametrize("floor", ROOMS)
def test_dependencies_run_one_way(floor):
    order = {name: number for number, name in enumerate(ROOMS[floor])}
    offenders = []
    for name, target, line in LINKS:
        here, there = room(name, floor), room(target, floor)
        if here and there and order[there] > order[here]:
            offenders.append(f"{name}:{line} imports {target}")
    assert not offenders


@pytest.mark.parametrize("floor", ROOMS)
def test_every_room_is_in_the_table(floor):
    assert {room(name, floor) for name in MODULES} - {None} == set(ROOMS[floor])


def test_no_files_import_each_other_in_a_circle():
    targets = {name: {target for here, target, _ in LINKS if here == name} for name in MODULES}
    try:
        tuple(TopologicalSorter(targets).static_order())
    except CycleError as error:
        raise AssertionError(f"a circle of files: {' -> '.join(error.args[1])}") from None


def test_optional_packages_are_not_imported_at_the_top():
    offenders = []
    for file in FILES:
        for node in ast.parse(file.read_text()).body:
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")]
            )
            offenders += [f"{module(file)}:{node.lineno}" for name in names if (name or "").split(".")[0] in OPTIONAL]
    assert not offenders


def test_files_are_short():
    lengths = {file: len(file.read_text().splitlines()) for file in (*FILES, *TESTS)}
    assert not [f"{file.relative_to(ROOT)} has {lines} lines" for file, lines in lengths.items() if lines > 400]
    assert statistics.median(lengths[file] for file in FILES) <= 150


def test_few_files_lie_directly_in_a_room():
    crowded = {}
    for floor in ROOMS:
        files = [file for file in (SOURCE / floor).glob("*.py") if file.name != "__init__.py"]
        if len(files) > 15:
            crowded[floor] = len(files)
    assert not crowded


def test_no_room_is_a_cupboard():
    assert not [file for file in FILES if file.stem in ("utils", "helpers", "misc", "common")]


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
