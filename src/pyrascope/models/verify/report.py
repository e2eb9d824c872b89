"""What a verification found: one row a check."""

from dataclasses import dataclass

PASS, FAIL, REFUSED = "pass", "fail", "refused: "


@dataclass(frozen=True)
class Row:
    """One check. `result` is "pass", "fail" or "refused: reason"; `detail` says what was measured."""

    family: str
    site: str
    check: str
    result: str
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """All checks of one or more models; printed, it is a table."""

    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """True if no check failed; what is refused with a reason is not a failure."""
        return all(row.result != FAIL for row in self.rows)

    def __str__(self) -> str:
        cells = [("family", "site", "check", "result")]
        cells += [(r.family, r.site, r.check, f"{r.result} ({r.detail})" if r.detail else r.result) for r in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells)

    def verdict(self, family: str, site: str) -> str:
        """Returns what the checks of a site come to: "fail" if one fails, "refused: reason" if all are, else "pass"."""
        results = [row.result for row in self.rows if (row.family, row.site) == (family, site)]
        if FAIL in results:
            return FAIL
        return PASS if PASS in results else results[0]
