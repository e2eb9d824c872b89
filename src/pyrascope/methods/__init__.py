"""Methods that decide where visual tokens go: one idea or paper a file."""

from . import droppers, reducers
from .adaptive_depth import AdaptiveDepth
from .anisotropic import Anisotropic
from .coarse_to_fine import CoarseToFine
from .difficulty_tiers import DifficultyTiers
from .dynamic_pyramid import DynamicPyramid
from .foveated import Foveated
from .frequency import Frequency
from .mixture import Mixture
from .multi_scale import MultiScale
from .named import method_from
from .never_worse import NeverWorse
from .progressive_levels import ProgressiveLevels, reduction
from .random import Random
from .rate_distortion import RateDistortion
from .region_tiers import RegionTiers
from .resize import Resize
from .saliency_pyramid import SaliencyPyramid
from .two_levels import TwoLevels
from .uniform import Uniform
from .with_context import WithContext
from .zoom import Zoom

__all__ = [
    "AdaptiveDepth",
    "Anisotropic",
    "CoarseToFine",
    "DifficultyTiers",
    "DynamicPyramid",
    "Foveated",
    "Frequency",
    "Mixture",
    "MultiScale",
    "NeverWorse",
    "ProgressiveLevels",
    "Random",
    "RateDistortion",
    "RegionTiers",
    "Resize",
    "SaliencyPyramid",
    "TwoLevels",
    "Uniform",
    "WithContext",
    "Zoom",
    "droppers",
    "method_from",
    "reducers",
    "reduction",
]
