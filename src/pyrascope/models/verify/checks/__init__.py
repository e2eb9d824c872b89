"""What `verify` checks, one site a file."""

from ...sites import FEATURES, LAYERS, PIXELS
from . import features, layers, pixels
from .check import Check, Make

CHECKS: dict[str, dict[str, Check]] = {
    PIXELS: pixels.CHECKS,
    FEATURES: features.CHECKS,
    LAYERS: layers.CHECKS,
}
"""By site, then by name; a site without checks is not served yet."""

__all__ = ["CHECKS", "Check", "Make"]
