"""How much each cell of an image matters: one map a file, all normalised in one way, all composable."""

from .combine import Opponent, Product, Weighted
from .difficulty import Complexity, Difficulty
from .fixation import Fixation
from .frequency import BandEnergy, Information
from .glance import Glance
from .importance import ImportanceMap, normalised, weight_of
from .learned import Learned, fit_weights, learned
from .orientation import Orientation
from .query import Attention, Query
from .relevance import RelevanceRealization
from .saliency import Saliency
from .spectral_residual import SpectralResidual
from .trained_difficulty import TrainedDifficulty

__all__ = [
    "Attention",
    "BandEnergy",
    "Complexity",
    "Difficulty",
    "Fixation",
    "Glance",
    "ImportanceMap",
    "Information",
    "Learned",
    "Opponent",
    "Orientation",
    "Product",
    "Query",
    "RelevanceRealization",
    "Saliency",
    "SpectralResidual",
    "TrainedDifficulty",
    "Weighted",
    "fit_weights",
    "learned",
    "normalised",
    "weight_of",
]
