"""What a method of the pixels site is, and what it is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from ..._check import shorten
from ..plan import Plan
from .site import Site

Points = tuple[float, float] | Sequence[tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Context:
    """What is known besides the image. All optional; a method that needs a missing one says which.

    Attributes:
        question: The question in words.
        query: Query vector (d,).
        features: Features of the image's cells (rows, columns, d), of any grid over the image.
        fixation: Where the viewer looks: (y, x) in source pixels, or several of them.
        attention: An attention map (h', w') over the image, not negative.

    Raises:
        TypeError, ValueError: a field of another kind or shape, a query of another width than the features, or numbers
            that are not finite.
    """

    question: str | None = None
    query: Tensor | None = None
    features: Tensor | None = None
    fixation: Points | None = None
    attention: Tensor | None = None

    def __post_init__(self) -> None:
        if self.question is not None and not isinstance(self.question, str):
            raise TypeError(f"question must be a string, got {shorten(self.question)}")
        for name, axes in (("query", "d"), ("features", "rows, columns, d"), ("attention", "h, w")):
            _check_numbers(getattr(self, name), name, axes)
        if self.query is not None and self.features is not None and len(self.query) != self.features.shape[-1]:
            raise ValueError(
                f"query must be as wide as the features, got {len(self.query)} and {self.features.shape[-1]}; "
                "take both from one model"
            )
        if self.attention is not None and bool((self.attention < 0).any()):
            raise ValueError("attention must not be negative, got a value below 0; take it after the softmax")
        if self.fixations is not None and not bool(self.fixations.isfinite().all()):
            raise ValueError(f"fixation must be finite, got {shorten(self.fixation)}")

    @cached_property
    def fixations(self) -> Tensor | None:
        """The fixations as float64 (n, 2), n at least 1, or None."""
        if self.fixation is None:
            return None
        expected = "fixation must be (y, x) in source pixels, or a list of such pairs"
        try:
            points = torch.as_tensor(self.fixation, dtype=torch.float64)
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(f"{expected}, got {shorten(self.fixation)}") from None
        if points.ndim not in (1, 2) or points.shape[-1] != 2 or not points.numel():
            raise ValueError(f"{expected}, got {shorten(self.fixation)}")
        return points.detach().cpu().reshape(-1, 2)


def _check_numbers(value: object, name: str, axes: str) -> None:
    """Refuses what is not a finite floating tensor with these axes (None passes)."""
    if value is None:
        return
    if not isinstance(value, Tensor) or not value.is_floating_point():
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a floating tensor ({axes}), got {found}; convert it with torch.as_tensor")
    if value.ndim != len(axes.split(",")) or not value.numel():
        raise ValueError(f"{name} must have shape ({axes}) with at least one number, got {tuple(value.shape)}")
    if not bool(value.isfinite().all()):
        raise ValueError(f"{name} must hold finite numbers, got NaN or infinity; replace it, as with nan_to_num")


@dataclass(frozen=True, eq=False)
class Scene:
    """One image to plan for, checked, with how much its places matter and what else is known.

    Attributes:
        image: Floating (c, h, w), finite.
        weight: Non-negative, finite (h', w') over the image's area, or None for 1 everywhere.
        context: What is known besides.

    Raises:
        ValueError: a fixation outside the image.
    """

    image: Tensor
    weight: Tensor | None = None
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        points = self.context.fixations
        if points is not None and bool(((points < 0) | (points > points.new_tensor(self.size))).any()):
            raise ValueError(
                f"fixation must lie in the image of {self.size[0]}x{self.size[1]} px as (y, x), "
                f"got {shorten(self.context.fixation)}; give source pixels, rows first"
            )

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

    Methods are frozen dataclasses: their fields are their options, and their `repr` is what rebuilds them. A class of
    your own says where it belongs by `site: ClassVar = "pixels"`.
    """

    site: ClassVar[Site]

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene, exactly `budget` tokens in all.

        Args:
            scenes: At least one.
            budget: Number of tokens, not yet checked, or None where the method chooses.
            cell: Side of a patch in pixels, checked.
        """
        ...
