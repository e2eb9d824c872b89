"""All facts of a comparison in one dictionary for programs: what was asked, how, and what came out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .answering import Run
from .baselines import majority
from .contenders import LOOK_ROW, RESIZE_ROW
from .gating import Gated, gated
from .scores import accuracies, bias, by_family, hard, rows_of, suffices

Facts = dict[str, Any]


def results(run: Run, timed: Sequence[Facts], about: Mapping[str, Any]) -> Facts:
    """Returns the facts of a run; the answers of the majority and of the gates are added to its records.

    The gate stands between the resize and "coarse-to-fine" at each budget that both have answered.

    Args:
        run: What was asked and answered.
        timed: From `times`.
        about: Model, data, seed and so on: what makes the run again.
    """
    rows = rows_of(run.records)
    gates = {
        budget: gated(rows[RESIZE_ROW, budget], rows[name, budget])
        for name, budget in rows
        if name == LOOK_ROW and budget is not None and (RESIZE_ROW, budget) in rows
    }
    run.records += majority(run.asked) + [one for gate in gates.values() for one in gate.records]
    rows = rows_of(run.records)
    return {
        "about": dict(about),
        "notes": list(run.notes),
        "refused": [{"method": name, "budget": budget, "reason": why} for (name, budget), why in run.refused.items()],
        "rows": accuracies(rows),
        "families": by_family(rows),
        "hard": {str(budget): one for budget, one in hard(rows).items()},
        "coarse_suffices": {str(budget): one for budget, one in suffices(rows).items()},
        "gate": {str(budget): _gate(one) for budget, one in gates.items()},
        "bias": bias(rows, run.asked),
        "times": list(timed),
    }


def _gate(one: Gated) -> Facts:
    thresholds = [value if math.isfinite(value) else None for value in one.thresholds]
    return {"thresholds": thresholds, "looked": one.looked}


def lines_of(run: Run) -> list[Facts]:
    """Returns all records for a JSONL file, with the question and the right answers."""
    asked = {one.example: one for one in run.asked}
    return [
        asdict(one) | {"question": asked[one.example].question, "answers": list(asked[one.example].answers)}
        for one in run.records
    ]
