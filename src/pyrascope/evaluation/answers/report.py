"""The facts of a comparison as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

Facts = dict[str, Any]
TIMES = "One example at a time, medians; \"faster\" is the full grid's process time over this one's."
HARD = (
    "What the resize to as many tokens gets wrong and the full grid right; the share of it that each method gets right."
)
SUFFICES = (
    "Families where the resize is at most 2 points below the full grid, by these examples; differences to the resize "
    "on them."
)
GATE = (
    "The resize's answer where the entropy of its first token is below a threshold, else the look's (both are then "
    "counted). Each half of the examples is answered by the threshold that the other half chose."
)
BIAS = (
    "Accuracy by the ninth of the picture that holds the evidence (examples with one box of evidence, smaller than a "
    "ninth), largest minus smallest; and tokens by ninth, beside an even spread (1)."
)
INTERVALS = (
    'Intervals are of 95 %, by a bootstrap over the examples, paired for differences; "batch ms" is process time for '
    "each answer in batches, without the processor's."
)


def report(facts: Facts) -> str:
    """Returns the report of what `results` returned."""
    parts = [
        f"# {facts['about']['title']}",
        "\n".join(f"* {name}: {value}" for name, value in facts["about"].items() if name != "title"),
        "\n".join(f"* {note}" for note in facts["notes"]),
        "## Accuracy\n\n" + INTERVALS,
        accuracy_table(facts["rows"]),
        "## Times\n\n" + TIMES,
        _times(facts["times"]),
        "## Families",
        *(_families(facts["families"], budget) for budget in _budgets(facts["rows"])),
        "## Hard subset\n\n" + HARD,
        _hard(facts["hard"]),
        "## Where a coarse view suffices\n\n" + SUFFICES,
        _suffices(facts["coarse_suffices"]),
        "## Entropy gate\n\n" + GATE,
        _gates(facts),
        "## Spatial bias\n\n" + BIAS,
        _bias(facts["bias"]),
        "## Left out" if facts["refused"] else "",
        "\n".join(f"* {row_name(one)}: {one['reason']}" for one in facts["refused"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def accuracy_table(rows: Sequence[Facts]) -> str:
    """Returns the table of accuracies."""
    return table(
        ("method", "budget", "tokens", "examples", "batch ms", "accuracy", "beside resize"),
        (
            (
                one["method"],
                _number(one["budget"]),
                f"{one['tokens']:.4g}",
                str(one["asked"]),
                f"{1000 * one['seconds']:.1f}" if one["seconds"] else "",
                percent(one["accuracy"]),
                percent(one["beside_resize"], signed=True),
            )
            for one in ordered(rows)
        ),
    )


def ordered(rows: Iterable[Facts]) -> list[Facts]:
    """Returns rows by budget, those without one first; within a budget in their order."""
    return sorted(rows, key=lambda one: one["budget"] or 0)


def row_name(one: Facts) -> str:
    """Returns the name of a row: method and budget."""
    return one["method"] if one["budget"] is None else f"{one['method']} at {one['budget']}"


def percent(interval: Sequence[float] | None, *, signed: bool = False) -> str:
    """Returns an interval in percent, or "" for none.

    >>> percent([0.5, 0.45, 0.55]), percent([-0.01, -0.03, 0.01], signed=True)
    ('50.0 (45.0..55.0)', '-1.0 (-3.0..+1.0)')
    """
    if interval is None:
        return ""
    middle, low, high = (f"{100 * value:{'+' if signed else ''}.1f}" for value in interval)
    return f"{middle} ({low}..{high})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _budgets(rows: Iterable[Facts]) -> list[int]:
    return sorted({one["budget"] for one in rows if one["budget"] is not None})


def _times(rows: Sequence[Facts]) -> str:
    names = ("first_token", "planning", "looks", "all", "cpu")
    return table(
        ("method", "budget", *(f"{name.replace('_', ' ')}, ms" for name in names), "faster"),
        (
            (
                one["method"],
                _number(one["budget"]),
                *(f"{1000 * one[name]:.1f}" for name in names),
                "" if one["faster"] is None else f"{one['faster']:.1f}x",
            )
            for one in ordered(rows)
        ),
    )


def _families(families: dict[str, list[Facts]], budget: int) -> str:
    """Accuracy in percent, a family a line, and the difference to the resize where there is one."""
    found = {
        family: {one["method"]: one for one in rows if one["budget"] in (None, budget)}
        for family, rows in families.items()
    }
    methods = list(dict.fromkeys(name for rows in found.values() for name in rows))

    def cell(one: Facts | None) -> str:
        if one is None:
            return ""
        apart = one["beside_resize"]
        return f"{100 * one['accuracy'][0]:.1f}" + ("" if apart is None else f" ({100 * apart[0]:+.1f})")

    asked = {family: max(one["asked"] for one in rows.values()) for family, rows in found.items()}
    return f"At {budget} tokens (difference to the resize):\n\n" + table(
        ("family", "examples", *methods),
        ((family, str(asked[family]), *(cell(rows.get(name)) for name in methods)) for family, rows in found.items()),
    )


def _hard(facts: dict[str, Facts]) -> str:
    methods = list(dict.fromkeys(name for one in facts.values() for name in one["recovered"]))
    return table(
        ("budget", "examples", *methods),
        (
            (budget, f"{one['examples']} of {one['of']}", *(percent(one["recovered"].get(name)) for name in methods))
            for budget, one in facts.items()
        ),
    )


def _suffices(facts: dict[str, Facts]) -> str:
    parts = []
    for budget, one in facts.items():
        families = ", ".join(one["families"]) or "none"
        parts.append(f"At {budget} tokens: {families}.")
        if one["families"]:
            parts.append(accuracy_table(one["rows"]))
    return "\n\n".join(parts)


def _gates(facts: Facts) -> str:
    rows = {one["budget"]: one for one in facts["rows"] if one["method"] == "gate"}
    return table(
        ("budget", "thresholds, nats", "looked", "mean tokens", "accuracy", "beside resize"),
        (
            (
                budget,
                ", ".join("never" if value is None else f"{value:.3f}" for value in one["thresholds"]),
                f"{100 * one['looked']:.1f} %",
                f"{rows[int(budget)]['tokens']:.1f}",
                percent(rows[int(budget)]["accuracy"]),
                percent(rows[int(budget)]["beside_resize"], signed=True),
            )
            for budget, one in facts["gate"].items()
        ),
    )


def _bias(rows: Sequence[Facts]) -> str:
    def cells(values: Sequence[float | None] | None, scale: float, form: str) -> str:
        return "" if values is None else " ".join("-" if one is None else f"{scale * one:{form}}" for one in values)

    counts: list[int] = max((one["asked"] for one in rows), key=sum, default=[])
    return f"Examples by ninth, in reading order: {cells(counts, 1, '.0f')}\n\n" + table(
        ("method", "budget", "accuracy by ninth, %", "gap", "tokens by ninth", "gap"),
        (
            (
                one["method"],
                _number(one["budget"]),
                cells(one["accuracy"], 100, ".0f"),
                "" if one["gap"] is None else f"{100 * one['gap']:.1f}",
                cells(one["density"], 1, ".2f"),
                "" if one["density_gap"] is None else f"{one['density_gap']:.2f}",
            )
            for one in ordered(rows)
        ),
    )
