"""Muse Glimmer and Muse Spark."""

from .record import NOT_MASKING, Family

MUSE = Family(
    types=("muse_glimmer", "muse_spark"),
    layers=NOT_MASKING,
    small={"muse_glimmer": {"out_hidden_size": 128}, "muse_spark": {"out_hidden_size": 128}},
)
