"""How much each cell of an image matters: one map a file, all normalised in one way, all composable."""

from .difficulty import Complexity, Difficulty
from .fixation import Fixation
from .frequency import BandEnergy
from .glance import Glance
from .importance import ImportanceMap, normalised
from .orientation import Orientation
from .query import Attention, Query
from .saliency import Saliency
from .spectral_residual import SpectralResidual

__all__ = [
    "Attention",
    "BandEnergy",
    "Complexity",
    "Difficulty",
    "Fixation",
    "Glance",
    "ImportanceMap",
    "Orientation",
    "Query",
    "Saliency",
    "SpectralResidual",
    "normalised",
]
