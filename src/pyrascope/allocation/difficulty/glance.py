"""A glance: difficulty judged from a small view, so that asking costs next to nothing."""

from dataclasses import dataclass, field, replace

import torch

from ..._check import whole_number
from ..contracts.allocator import Scene
from .difficulty import Complexity, Difficulty


@dataclass(frozen=True)
class Glance:
    """Judges a view of the image of at most `side` x `side` px, whose pixels are means of areas.

    Attributes:
        of: What judges the view.
        side: Most rows and columns of the view.
    """

    of: Difficulty = field(default=Complexity())
    side: int = 128

    def __post_init__(self) -> None:
        whole_number(self.side, "side", 1)
        if not callable(self.of):
            raise TypeError(f"of must be a measure of difficulty such as Complexity(), got {self.of!r}")

    def __call__(self, scene: Scene) -> float:
        """Returns the difficulty of the view, 0 to 1."""
        size = min(scene.size[0], self.side), min(scene.size[1], self.side)
        with torch.no_grad():
            view = torch.nn.functional.adaptive_avg_pool2d(scene.image, size)
        return self.of(replace(scene, image=view))
