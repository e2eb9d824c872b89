"""How much each cell of an image matters: one map a file, all normalised in one way, all composable."""

from ..._moved import names_of
from .combine import Opponent, Product, Weighted
from .fixation import Fixation
from .frequency import BandEnergy, Information
from .importance import ImportanceMap, normalised, weight_of
from .learned import Learned, fit_weights, learned
from .orientation import Orientation
from .query import Attention, Query
from .relevance import RelevanceRealization
from .saliency import Saliency
from .spectral_residual import SpectralResidual

__all__ = [
    "Attention",
    "BandEnergy",
    "Fixation",
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
    "Weighted",
    "fit_weights",
    "learned",
    "normalised",
    "weight_of",
]

__getattr__ = names_of(__name__)
