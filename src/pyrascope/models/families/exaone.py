"""EXAONE 4.5."""

from .record import Family

EXAONE = Family(
    types=("exaone4_5",),
    tower="its generate discards position_ids, so tokens would not stand where a plan puts them; use plan.crops",
)
