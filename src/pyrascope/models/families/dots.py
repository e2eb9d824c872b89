"""dots3."""

from .record import NOT_MASKING, Family

DOTS = Family(types=("dots3_note",), layers=NOT_MASKING)
