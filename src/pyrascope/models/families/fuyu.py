"""Fuyu: no tower; patches go straight into the language model."""

from .record import Family

FUYU = Family(types=("fuyu",), style="rows")
