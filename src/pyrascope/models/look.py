"""The first look of two: what a model attends to in a coarse view says where the second look needs detail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from .._check import one_of, shorten, whole_number
from ..allocation.allocator import Allocator, Scene
from ..allocation.plan import Plan
from ..methods import Resize
from .clock import LOOKS, span
from .probe import DEBIAS, probe

Show = Callable[[Sequence[Plan]], tuple[dict[str, Any], list[Tensor]]]
"""Makes the inputs of a model in which each image shows what a plan says; also says which box each token shows."""


class Look(Protocol):
    """How the model says where it looks: takes the place of `CoarseToFine.detector`."""

    through_model: ClassVar[bool]

    def maps(self, model: Any, inputs: Mapping[str, Any], processor: Any = None) -> list[Tensor]:
        """Returns how much each visual token matters, finite and not negative, (n,) for each image in its order.

        Args:
            model: The model.
            inputs: Prompts in which every image is a coarse view of one grid.
            processor: The model's processor, where one was given.
        """
        ...


@dataclass(frozen=True)
class AttentionLook:
    """The attention of the prompt's last token in one layer: the model runs up to there and no further.

    Attributes:
        layer: Number of layers that run before it; None for 14 of 32, in proportion.
        debias: "none", "positions" or "trend", as `probe`.

    Source: as `probe`.
    """

    layer: int | None = None
    debias: str = "none"
    through_model: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.layer is not None:
            whole_number(self.layer, "layer", 0)
        one_of(self.debias, "debias", DEBIAS)

    def __call__(self, view: Tensor) -> Tensor:
        """Refuses: there is no model here.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self!r} looks through a model, got a view alone; use it in attach or prepare")

    def maps(self, model: Any, inputs: Mapping[str, Any], processor: Any = None) -> list[Tensor]:
        """Returns the attention on each visual token; see `Look.maps`."""
        found = probe(model, inputs, layer=self.layer, debias=self.debias, processor=processor)
        return [one.flatten() for one in found]


def looks_through_model(method: Any) -> bool:
    """Returns whether a method needs the model for its first look."""
    return bool(getattr(method, "through_model", False))


def looked(
    model: Any,
    method: Any,
    scenes: Sequence[Scene],
    budgets: Sequence[int],
    cell: int,
    show: Show,
    processor: Any = None,
) -> list[Allocator]:
    """Takes the first look at all images of a batch in one pass; returns the method of each, which knows its heat.

    Args:
        model: The model.
        method: A `CoarseToFine`.
        scenes: The images.
        budgets: Tokens of each.
        cell: Side of a token's patch.
        show: Makes the inputs in which the images are seen coarsely.
        processor: The model's processor, where one was given.

    Raises:
        ValueError: the look gave another number of values than an image has tokens.
    """
    look: Any = method.detector or AttentionLook()
    with span(LOOKS), torch.no_grad():
        first = [method.looks([scene], budget, cell) for scene, budget in zip(scenes, budgets, strict=True)]
        if not any(first):
            return [replace(method, detector=_Nowhere())] * len(scenes)
        views = [
            plans[0] if plans else Resize()([scene], 1, cell)[0] for plans, scene in zip(first, scenes, strict=True)
        ]
        inputs, orders = show(views)
        maps = look.maps(model, inputs, processor)
    if [tuple(one.shape) for one in maps] != [(view.tokens,) for view in views]:
        raise ValueError(
            f"a look must give a value for each token of each image, {[view.tokens for view in views]}, "
            f"got {shorten([tuple(one.shape) for one in maps])}; mend {shorten(look)}"
        )
    return [replace(method, detector=Remembered(on_grid(*each))) for each in zip(maps, orders, views, strict=True)]


def on_grid(values: Tensor, order: Tensor, view: Plan) -> Tensor:
    """Returns the values of a view's tokens (n,) where they are seen: (rows, columns) of its grid.

    Args:
        values: In the order in which the model reads the tokens.
        order: The box of the view that each of them shows.
        view: A plan of one grid.
    """
    rows, columns = (len(np.unique(view.boxes[:, axis])) for axis in (0, 1))
    found = torch.empty_like(values)
    found[order.to(values.device)] = values
    return found.reshape(rows, columns)


@dataclass(frozen=True, eq=False)
class Remembered:
    """A detector that has looked already: its heat map (rows, columns)."""

    heat: Tensor

    def __call__(self, view: Tensor) -> Tensor:
        """Returns the heat."""
        return self.heat


class _Nowhere:
    """The detector of images that are not looked at first."""

    def __call__(self, view: Tensor) -> Tensor:
        return view.new_zeros(1, 1)
