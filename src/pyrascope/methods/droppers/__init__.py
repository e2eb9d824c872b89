"""Methods of the layers site: which visual tokens go on through the language model, one idea or paper a file."""

from ...allocation.contracts.dropper import Dropper, Kept, Stage
from .fast_v import FastV
from .named import DROPPERS, dropper_from
from .pyramid_drop import PyramidDrop
from .random import Random
from .scheduled import Scheduled
from .sparse_vlm import SparseVLM

__all__ = [
    "DROPPERS",
    "Dropper",
    "FastV",
    "Kept",
    "PyramidDrop",
    "Random",
    "Scheduled",
    "SparseVLM",
    "Stage",
    "dropper_from",
]
