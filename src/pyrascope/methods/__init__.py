"""Methods that decide where visual tokens go: one idea or paper a file."""

from .coarse_to_fine import CoarseToFine
from .frequency import Frequency
from .named import method_from
from .random import Random
from .rate_distortion import RateDistortion
from .resize import Resize
from .uniform import Uniform

__all__ = ["CoarseToFine", "Frequency", "Random", "RateDistortion", "Resize", "Uniform", "method_from"]
