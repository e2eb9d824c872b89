"""Droppers by name."""

from ...allocation.contracts.dropper import Dropper
from ..named import made_from
from .fast_v import FastV
from .pyramid_drop import PyramidDrop
from .random import Random
from .scheduled import Scheduled
from .sparse_vlm import SparseVLM

DROPPERS: dict[str, type] = {
    "pyramid-drop": PyramidDrop,
    "fast-v": FastV,
    "sparse-vlm": SparseVLM,
    "scheduled": Scheduled,
    "random": Random,
}
"""Name on the command line -> class."""


def dropper_from(text: str) -> Dropper:
    """Returns the dropper that a string names: a name of `DROPPERS` or a class name, with options, or a `repr`.

    Raises:
        ValueError: no such dropper or option; the message lists the near names.

    Example:
        >>> dropper_from("pyramid-drop"), dropper_from("FastV(after=3)")
        (PyramidDrop(ratio=0.5, after=None), FastV(after=3, ratio=0.5, rows='last'))
    """
    dropper: Dropper = made_from(text, DROPPERS, "method", "FastV(after=3)")
    return dropper
