"""Aliases shared by the whole package."""

from typing import Literal

BoundaryMode = Literal["reflect", "replicate", "circular", "constant"]
"""What lies beyond the border: the mirror image without the edge repeated, the edge, the far side, zeros."""
