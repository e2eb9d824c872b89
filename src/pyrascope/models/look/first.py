"""The first look of two: what a model attends to in a coarse view says where the second look needs detail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from ..._check import one_of, shorten, whole_number
from ...allocation.contracts.allocator import Allocator, Scene
from ...allocation.contracts.site import PIXELS, Site
from ...allocation.plan import Plan
from ...methods import Resize
from ..host import Host
from ..stock.clock import LOOKS, span
from ..stock.protocols import Model, Processor
from .generic import asking
from .probe import DEBIAS, probe

Show = Callable[[Sequence[Plan]], tuple[dict[str, Any], list[Tensor]]]
"""Makes the inputs of a model in which each image shows what a plan says; also says which box each token shows."""


class Look(Protocol):
    """How the model says where it looks: takes the place of `CoarseToFine.detector`."""

    through_model: ClassVar[bool]

    def maps(self, model: Model, inputs: Mapping[str, Any], processor: Processor | None = None) -> list[Tensor]:
        """Returns how much each visual token matters, finite and not negative, (n,) for each image in its order.

        Args:
            model: The model.
            inputs: Prompts in which every image is a coarse view of one grid.
            processor: The model's processor, where one was given.
        """
        ...


class ThroughModel:
    """What a look through a model says where a detector of views is expected: that it is none."""

    through_model: ClassVar[bool] = True

    def __call__(self, view: Tensor) -> Tensor:
        """Refuses: there is no model here.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self!r} looks through a model, got a view alone; use it in attach or prepare")


@dataclass(frozen=True)
class AttentionLook(ThroughModel):
    """The attention of the prompt's last token in one layer: the model runs up to there and no further.

    Attributes:
        layer: Number of layers that run before it; None for 14 of 32, in proportion.
        debias: "none", "positions" or "trend", as `probe`.
        generic: A question that asks nothing in particular, as `generic.NOTHING`: each map is divided by the one that
            it gives, which takes out what attracts every question, at the price of a second look. It needs the
            processor. "" for none.

    Source: as `probe`.
    """

    layer: int | None = None
    debias: str = "none"
    generic: str = ""

    def __post_init__(self) -> None:
        if self.layer is not None:
            whole_number(self.layer, "layer", 0)
        one_of(self.debias, "debias", DEBIAS)

    def maps(self, model: Model, inputs: Mapping[str, Any], processor: Processor | None = None) -> list[Tensor]:
        """Returns the attention on each visual token; see `Look.maps`."""
        plain = asking(inputs, processor, model.config.image_token_id, self.generic) if self.generic else None
        found = probe(model, inputs, layer=self.layer, generic=plain, debias=self.debias, processor=processor)
        return [one.flatten() for one in found]


def looks_through_model(method: Any) -> bool:
    """Returns whether a method needs the model for its first look."""
    return bool(getattr(method, "through_model", False))


@dataclass(frozen=True)
class SecondLook:
    """A method whose first look has been taken: plans the images that it was taken at.

    Attributes:
        method: The method, as its plans name it.
        views: The plans of the first look.
        heats: What was found in each.
    """

    site: ClassVar[Site] = PIXELS
    method: Any
    views: Sequence[Plan]
    heats: Sequence[Tensor]

    def __call__(self, scenes: Sequence[Scene], budget: int | None, cell: int) -> list[Plan]:
        """Returns one plan a scene, exactly `budget` tokens in all."""
        plans: list[Plan] = self.method.refined(scenes, self.views, self.heats, budget, cell)
        return plans


def looked(
    host: Host,
    method: Any,
    parties: Sequence[Sequence[int]],
    budgets: Sequence[int | None],
    scenes: Sequence[Scene],
    cell: int,
    show: Show,
) -> list[Allocator]:
    """Takes the first look at all images of a batch, in one pass, and returns the method of each party for the second.

    Args:
        host: The model and its processor.
        method: A `CoarseToFine`.
        parties: The images that share a budget, by number; none where nothing is to be planned.
        budgets: Of each party.
        scenes: All images.
        cell: Side of a token's patch.
        show: Makes the inputs in which the images are seen coarsely.

    Raises:
        ValueError: the look gave another number of values than an image has tokens.
    """
    with span(LOOKS), torch.no_grad():
        first = [
            method.looks([scenes[number] for number in mine], budget, cell) if mine else []
            for mine, budget in zip(parties, budgets, strict=True)
        ]
        heats = _heats(host, method.detector or AttentionLook(), parties, first, scenes, cell, show)
    return [
        SecondLook(method, views, [heats[number] for number in mine if views])
        for mine, views in zip(parties, first, strict=True)
    ]


def _heats(
    host: Host,
    look: Any,
    parties: Sequence[Sequence[int]],
    first: Sequence[Sequence[Plan]],
    scenes: Sequence[Scene],
    cell: int,
    show: Show,
) -> dict[int, Tensor]:
    """The heat of each image that is looked at; the others are shown as one token."""
    seen = {
        number: view
        for mine, views in zip(parties, first, strict=True)
        if views
        for number, view in zip(mine, views, strict=True)
    }
    if not seen:
        return {}
    views = [seen.get(number) or Resize()([scene], 1, cell)[0] for number, scene in enumerate(scenes)]
    inputs, orders = show(views)
    maps = look.maps(host.model, inputs, host.processor)
    if [tuple(one.shape) for one in maps] != [(view.tokens,) for view in views]:
        raise ValueError(
            f"a look must give a value for each token of each image, {[view.tokens for view in views]}, "
            f"got {shorten([tuple(one.shape) for one in maps])}; mend {shorten(look)}"
        )
    return {number: on_grid(maps[number], orders[number], views[number]) for number in seen}


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
