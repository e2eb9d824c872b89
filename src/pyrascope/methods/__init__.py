"""Methods that decide where visual tokens go: one idea or paper a file."""

from .adaptive_depth import AdaptiveDepth
from .coarse_to_fine import CoarseToFine
from .difficulty_tiers import DifficultyTiers
from .dynamic_pyramid import DynamicPyramid
from .frequency import Frequency
from .named import method_from
from .progressive_levels import ProgressiveLevels, reduction
from .random import Random
from .rate_distortion import RateDistortion
from .region_tiers import RegionTiers
from .resize import Resize
from .saliency_pyramid import SaliencyPyramid
from .uniform import Uniform

__all__ = [
    "AdaptiveDepth",
    "CoarseToFine",
    "DifficultyTiers",
    "DynamicPyramid",
    "Frequency",
    "ProgressiveLevels",
    "Random",
    "RateDistortion",
    "RegionTiers",
    "Resize",
    "SaliencyPyramid",
    "Uniform",
    "method_from",
    "reduction",
]
