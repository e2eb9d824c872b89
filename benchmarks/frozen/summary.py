"""Means over photographs of what `frozen_encoder.py` has measured, with intervals, and as tables."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from pyrascope.evaluation.bootstrap import bootstrap

SCORES = ("cosine", "centred", "region", "probe")
RESIZES = tuple(f"resize, {filter}" for filter in ("lanczos", "cubic", "linear"))
DIGITS = 3
CONTRASTS = (
    ("aspect 2", "aspect 1"),
    ("aspect 4", "aspect 1"),
    ("aspect 1, position area", "aspect 1"),
    ("two levels, next, position area", "two levels, next"),
    ("aspect 1, position corner", "aspect 1"),
    ("levels limited", "aspect 1"),
    ("two levels, next", "levels limited"),
    ("two levels, native", "two levels, next"),
    ("aspect 1, half sized", "aspect 1"),
    ("levels limited, half sized", "levels limited"),
    ("two levels, next, half sized", "two levels, next"),
    ("two levels, next, sized", "two levels, next, half sized"),
    ("gain in features, look", "levels limited"),
)
"""One option against another, all else equal."""


def summarise(photos: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns one record for each setting, group of folders, budget and row.

    Each score is the mean over the photographs that have it, and "minus resize" is [mean, low, high] of the paired
    difference to the resize of the filter with the best mean cosine there. "better" is the share of photographs with
    a greater centred cosine than that resize.
    """
    found = []
    for setting in sorted({photo["setting"] for photo in photos}, reverse=True):
        mine = [photo for photo in photos if photo["setting"] == setting]
        for data in ("all", *sorted({photo["data"] for photo in mine})):
            chosen = [photo["scores"] for photo in mine if data in ("all", photo["data"])]
            keys = dict.fromkeys(key for scores in chosen for key in scores)
            for key in keys:
                budget, row = key.split("/", 1)
                known = [scores for scores in chosen if key in scores]
                record = {"setting": setting, "data": data, "budget": budget, "row": row, "photos": len(known)}
                found.append(record | _scores(known, key, _best_resize(chosen, budget)))
    return found


def by_folder(summary: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns the mean gain in centred cosine over the resize of each row, by setting, folder and budget."""
    found: dict[str, dict[str, float]] = {}
    for each in summary:
        if each["data"] != "all" and "centred minus resize" in each:
            key = f"{each['setting']} {each['data']} {each['budget']}"
            found.setdefault(key, {})[each["row"]] = each["centred minus resize"][0]
    return found


def _best_resize(photos: Sequence[Any], budget: str) -> str | None:
    means = {
        f"{budget}/{row}": float(np.mean([scores[f"{budget}/{row}"]["cosine"] for scores in photos]))
        for row in RESIZES
        if all(f"{budget}/{row}" in scores for scores in photos)
    }
    return max(means, key=lambda key: means[key]) if means else None


def _scores(photos: Sequence[Any], key: str, baseline: str | None) -> dict[str, Any]:
    """Means and differences of one row."""
    out: dict[str, Any] = {}
    for score in SCORES:
        having = [scores for scores in photos if score in scores[key]]
        if not having:
            continue
        values = np.array([scores[key][score] for scores in having])
        out[score] = round(float(values.mean()), DIGITS)
        if baseline and baseline != key:
            gains = values - np.array([scores[baseline][score] for scores in having])
            out[f"{score} minus resize"] = [round(value, DIGITS) for value in bootstrap(gains)]
            if score == "centred":
                out["better"] = round(float((gains > 0).mean()), 3)
    return out


def contrasts(photos: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns what each option of `CONTRASTS` adds to the centred cosine, [mean, low, high], paired by photograph."""
    found = []
    for setting in sorted({photo["setting"] for photo in photos}, reverse=True):
        mine = [photo["scores"] for photo in photos if photo["setting"] == setting]
        for budget in sorted({key.split("/")[0] for scores in mine for key in scores if not key.startswith("all/")}):
            for one, other in CONTRASTS:
                keys = f"{budget}/{one}", f"{budget}/{other}"
                gains = [
                    scores[keys[0]]["centred"] - scores[keys[1]]["centred"]
                    for scores in mine
                    if scores.keys() >= {*keys}
                ]
                if gains:
                    record = {"setting": setting, "budget": budget, "one": one, "other": other, "photos": len(gains)}
                    found.append(record | {"centred": [round(value, DIGITS) for value in bootstrap(gains)]})
    return found


def contrast_table(found: Sequence[dict[str, Any]]) -> Table:
    """Returns the contrasts as a table, a column for each setting and budget."""
    columns = list(dict.fromkeys((each["setting"], each["budget"]) for each in found))
    table = Table("centred cosine: the first minus the second", *(f"{s}, {b}" for s, b in columns))
    for pair in dict.fromkeys((each["one"], each["other"]) for each in found):
        mine = {(e["setting"], e["budget"]): e["centred"] for e in found if (e["one"], e["other"]) == pair}
        cells = ["{:+.3f} ({:+.3f}..{:+.3f})".format(*mine[each]) if each in mine else "" for each in columns]
        table.add_row(" minus ".join(pair), *cells)
    return table


def tables(summary: Sequence[dict[str, Any]], data: str = "all") -> Iterator[Table]:
    """Yields a table for each setting and budget: means of the resizes, differences of the others."""
    for setting, budget in dict.fromkeys((each["setting"], each["budget"]) for each in summary):
        rows = [e for e in summary if (e["setting"], e["budget"], e["data"]) == (setting, budget, data)]
        if len(rows) < 2:
            continue
        table = Table("row", *SCORES, "better", title=f"{setting}, {budget} tokens, {rows[0]['photos']} photographs")
        for each in rows:
            cells = [_cell(each, score) for score in SCORES]
            table.add_row(each["row"], *cells, f"{100 * each['better']:.0f} %" if "better" in each else "")
        yield table


def _cell(record: dict[str, Any], score: str) -> str:
    if score not in record:
        return ""
    if f"{score} minus resize" not in record:
        return f"{record[score]:.3f}"
    mean, low, high = record[f"{score} minus resize"]
    return f"{mean:+.3f} ({low:+.3f}..{high:+.3f})"
