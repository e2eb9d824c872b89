"""Reducers by name."""

from ...allocation.contracts.reducer import Reducer
from ..named import made_from
from .cd_pruner import CDPruner
from .dart import DART
from .div_prune import DivPrune
from .faster_vlm import FasterVLM
from .hired import HiRED
from .pool import Pool
from .pru_merge import PruMerge
from .pyramid_token_pruning import PyramidTokenPruning
from .random import Random
from .resize import Resize
from .tome import ToMe
from .vision_zip import VisionZip

REDUCERS: dict[str, type] = {
    "resize": Resize,
    "pool": Pool,
    "random": Random,
    "tome": ToMe,
    "div-prune": DivPrune,
    "dart": DART,
    "faster-vlm": FasterVLM,
    "vision-zip": VisionZip,
    "pru-merge": PruMerge,
    "hired": HiRED,
    "pyramid-token-pruning": PyramidTokenPruning,
    "cd-pruner": CDPruner,
}
"""Name on the command line -> class."""


def reducer_from(text: str) -> Reducer:
    """Returns the reducer that a string names: a name of `REDUCERS` or a class name, with options, or a `repr`.

    Raises:
        ValueError: no such reducer or option; the message lists the near names.

    Example:
        >>> reducer_from("tome"), reducer_from("VisionZip(contextual=4)")
        (ToMe(step=None), VisionZip(contextual=4, merge='published'))
    """
    reducer: Reducer = made_from(text, REDUCERS, "method", "ToMe(step=8)")
    return reducer
