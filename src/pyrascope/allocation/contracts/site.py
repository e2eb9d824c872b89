"""The three places where visual tokens can be saved."""

from typing import Literal, get_args

Site = Literal["pixels", "features", "layers"]
"""Before the vision tower, which then sees fewer patches; behind it; between the layers of the language model."""
SITES: tuple[Site, ...] = get_args(Site)
PIXELS, FEATURES, LAYERS = SITES
