"""Small models whose visual tokens leave between layers."""

import pyrascope as ps
from pyrascope.models import attach
from pyrascope.models.verify.checks.layers import CHECKS
from pyrascope.models.verify.small.tiny import TinyProcessor, prompts

TINY = TinyProcessor()


PYRAMID = ps.droppers.PyramidDrop()


def dropped(model, dropper=PYRAMID, budget=None, **options):
    return attach(model, dropper, budget, processor=TINY, **options)


def failed(model):
    """The checks of `verify` that do not pass, and what they measured."""
    found = {name: check(model, TINY, lambda rows: prompts(model, rows)) for name, check in CHECKS.items()}
    return {name: detail for name, (good, detail) in found.items() if not good}
