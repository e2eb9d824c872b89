"""Step-3.7."""

from .record import Family

STEP = Family(types=("step3p7",), small={"step3p7": {"text_config": {"sliding_window": 16}}})
