"""Aria."""

from .record import Family

ARIA = Family(types=("aria",), small={"aria": {"projector_patch_to_query_dict": {"64": 16}}})
