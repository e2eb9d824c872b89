"""What a method of the pixels site is, and what it is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from .plan import Plan


@dataclass(frozen=True, eq=False)
class Context:
    """What is known besides the image. All optional; a method that needs a missing one says which.

    Attributes:
        question: The question in words.
        query: Query vector (d,).
        features: Features of the image's cells (rows, columns, d).
        fixation: Where the viewer looks: (y, x) in source pixels, or several of them.
        attention: An attention map (h', w') over the image.
    """

    question: str | None = None
    query: Tensor | None = None
    features: Tensor | None = None
    fixation: tuple[float, float] | Sequence[tuple[float, float]] | None = None
    attention: Tensor | None = None

    @property
    def fixations(self) -> Tensor | None:
        """The fixations as float64 (n, 2), or None."""
        if self.fixation is None:
            return None
        return torch.as_tensor(self.fixation, dtype=torch.float64).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Scene:
    """One image to plan for, checked, with how much its places matter and what else is known.

    Attributes:
        image: Floating (c, h, w), finite.
        weight: Non-negative, finite (h', w') over the image's area, or None for 1 everywhere.
        context: What is known besides.
    """

    image: Tensor
    weight: Tensor | None = None
    context: Context = field(default_factory=Context)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[-2], self.image.shape[-1]


def refuse_weights(scenes: Sequence[Scene], method: str) -> None:
    """Raises ValueError where a scene has a weight that `method` would ignore."""
    if any(scene.weight is not None for scene in scenes):
        raise ValueError(f"{method} takes no weight, got one; leave it out or use RateDistortion")


class Allocator(Protocol):
    """A method that decides where the visual tokens of images go.

    Methods are frozen dataclasses: their fields are their options, and their `repr` is what rebuilds them.
    """

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene, exactly `budget` tokens in all.

        Args:
            scenes: At least one.
            budget: Number of tokens, not yet checked, or None where the method chooses.
            cell: Side of a patch in pixels, checked.
        """
        ...
