"""Methods of the features site: which visual tokens the language model gets, one idea or paper a file."""

from ...allocation.contracts.reducer import FeatureContext, Reducer, Reduction
from ...allocation.contracts.tiles import Tiles, Views
from .cd_pruner import CDPruner
from .dart import DART
from .div_prune import DivPrune
from .faster_vlm import FasterVLM
from .hired import HiRED
from .named import REDUCERS, reducer_from
from .pool import Pool
from .pru_merge import PruMerge
from .pyramid_token_pruning import PyramidTokenPruning
from .random import Random
from .resize import Resize
from .tome import ToMe
from .vision_zip import VisionZip

__all__ = [
    "DART",
    "REDUCERS",
    "CDPruner",
    "DivPrune",
    "FasterVLM",
    "FeatureContext",
    "HiRED",
    "Pool",
    "PruMerge",
    "PyramidTokenPruning",
    "Random",
    "Reducer",
    "Reduction",
    "Resize",
    "Tiles",
    "ToMe",
    "Views",
    "VisionZip",
    "reducer_from",
]
