"""What the records of a comparison say: accuracies and differences with intervals, the hard subset, spatial bias."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..bootstrap import bootstraps
from .answering import Asked, Record
from .contenders import FULL_ROW, RESIZE_ROW
from .evidence import SIDE

Row = tuple[str, int | None]
"""Method and budget."""
Rows = Mapping[Row, Mapping[int, Record]]
Facts = dict[str, Any]
NEAR = 0.02
"""A coarse view suffices for a family where a resize is at most so much below the full grid."""


def rows_of(records: Iterable[Record]) -> dict[Row, dict[int, Record]]:
    """Returns the records of each method and budget, by example."""
    found: dict[Row, dict[int, Record]] = {}
    for one in records:
        found.setdefault((one.method, one.budget), {})[one.example] = one
    return found


def accuracies(rows: Rows) -> list[Facts]:
    """Returns for each row: how many were asked, the mean tokens, the accuracy, and its difference to the resize.

    Besides, the mean process time of an answer in batches, in seconds, the processor's not counted. The difference is
    over the examples that both answered, paired; None for the resize and for rows without a budget.
    """
    right = _intervals([[one.right for one in mine.values()] for mine in rows.values()])
    apart = _intervals([_differences(rows, row) for row in rows])
    return [
        {
            "method": row[0],
            "budget": row[1],
            "asked": len(mine),
            "tokens": float(np.mean([one.tokens for one in mine.values()])),
            "seconds": float(np.mean([one.seconds for one in mine.values()])),
            "accuracy": accuracy,
            "beside_resize": difference,
        }
        for (row, mine), accuracy, difference in zip(rows.items(), right, apart, strict=True)
    ]


def by_family(rows: Rows) -> dict[str, list[Facts]]:
    """Returns the `accuracies` within each family."""
    families = dict.fromkeys(one.family for mine in rows.values() for one in mine.values())
    return {family: accuracies(within(rows, [family])) for family in families}


def within(rows: Rows, families: Sequence[str]) -> dict[Row, dict[int, Record]]:
    """Returns the records of some families; rows without any are left out."""
    kept = {row: {i: one for i, one in mine.items() if one.family in families} for row, mine in rows.items()}
    return {row: mine for row, mine in kept.items() if mine}


def hard(rows: Rows) -> dict[int, Facts]:
    """Returns for each budget what the resize gets wrong and the full grid right, and how much of that others recover.

    Source: a hard subset made by filtering out what downsampling solves, as Liao et al. 2025, "Are We Using the Right
        Benchmark: An Evaluation Framework for Visual Token Compression Methods" (VTC-Bench).
    """
    found: dict[int, Facts] = {}
    full = rows.get((FULL_ROW, None), {})
    for budget in _budgets(rows):
        small = rows.get((RESIZE_ROW, budget), {})
        which = [i for i in small if i in full and full[i].right and not small[i].right]
        others = {row: [rows[row][i].right for i in which if i in rows[row]] for row in rows if row[1] == budget}
        shares = _intervals(list(others.values()))
        found[budget] = {
            "examples": len(which),
            "of": len(small),
            "recovered": {name: share for (name, _), share in zip(others, shares, strict=True) if name != RESIZE_ROW},
        }
    return found


def suffices(rows: Rows) -> dict[int, Facts]:
    """Returns for each budget the families where a coarse view suffices, and the differences to the resize on them.

    A family is one where the resize is at most two points below the full grid: checked on the examples themselves, so
    that where chance decides, it is in favour of the resize.
    """
    found: dict[int, Facts] = {}
    full = rows.get((FULL_ROW, None), {})
    for budget in _budgets(rows):
        small = rows.get((RESIZE_ROW, budget), {})
        pairs: dict[str, list[float]] = {}
        for i in small.keys() & full.keys():
            pairs.setdefault(small[i].family, []).append(float(full[i].right) - float(small[i].right))
        families = [family for family in dict.fromkeys(one.family for one in small.values()) if family in pairs]
        families = [family for family in families if float(np.mean(pairs[family])) <= NEAR + 1e-9]
        mine = {row: one for row, one in within(rows, families).items() if row[1] == budget}
        found[budget] = {"families": families, "rows": accuracies(mine)}
    return found


def bias(rows: Rows, asked: Sequence[Asked]) -> list[Facts]:
    """Returns for each row the accuracy by where the evidence lies, and where the tokens go, by ninths of the picture.

    `gap` is the largest accuracy of a ninth minus the smallest, of those that hold evidence at all. `density` is None
    where it is not known of every example, as of a gate that looks at some.
    """
    place = {one.example: one.place for one in asked if one.place is not None}
    found = []
    for (name, budget), mine in rows.items():
        cells: list[list[bool]] = [[] for _ in range(SIDE**2)]
        for i, one in mine.items():
            if i in place:
                cells[int(place[i] or 0)].append(one.right)
        accuracy = [float(np.mean(cell)) if cell else None for cell in cells]
        known = [one for one in accuracy if one is not None]
        spread = [one.ninths for one in mine.values()]
        density = None if None in spread else (np.mean(np.array(spread), axis=0) * SIDE**2).tolist()
        found.append(
            {
                "method": name,
                "budget": budget,
                "asked": [len(cell) for cell in cells],
                "accuracy": accuracy,
                "gap": max(known) - min(known) if known else None,
                "density": density,
                "density_gap": None if density is None else max(density) - min(density),
            }
        )
    return found


def _differences(rows: Rows, row: Row) -> list[float]:
    """Right of a row minus right of the resize, where both have answered."""
    name, budget = row
    small = rows.get((RESIZE_ROW, budget), {})
    if budget is None or name == RESIZE_ROW:
        return []
    return [float(one.right) - float(small[i].right) for i, one in rows[row].items() if i in small]


def _intervals(values: Sequence[Sequence[float]]) -> list[list[float] | None]:
    """The mean and its interval [mean, low, high] of each list, None where it is empty; lists of one length at once."""
    found: list[list[float] | None] = [None] * len(values)
    for length in {len(one) for one in values} - {0}:
        which = [i for i, one in enumerate(values) if len(one) == length]
        table = np.array([values[i] for i in which], np.float64)
        for i, interval in zip(which, bootstraps(table), strict=True):
            found[i] = list(interval)
    return found


def _budgets(rows: Rows) -> list[int]:
    return sorted({budget for _, budget in rows if budget is not None})
