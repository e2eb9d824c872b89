"""How hard an image is: one number for the whole, where `importance` has one for each cell."""

from .difficulty import Complexity, Difficulty
from .glance import Glance
from .trained_difficulty import TrainedDifficulty

__all__ = ["Complexity", "Difficulty", "Glance", "TrainedDifficulty"]
