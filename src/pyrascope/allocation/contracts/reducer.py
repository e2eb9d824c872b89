"""What a method of the features site is, what it is given, and what it returns."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from ..._check import shorten, whole_number
from .site import Site
from .tiles import Tiles, Views, check_grid, check_numbers


@dataclass(frozen=True, eq=False)
class FeatureContext:
    """What may be known of an image's n visual tokens. All optional; a method that needs a missing one says which.

    Attributes:
        grid: Rows and columns of the cells, where the tokens are one grid in reading order.
        attention: Attention that each token receives (n,), not negative: from [CLS], or the mean over all tokens where
            a tower has none; usually at the last layer but one, heads summed.
        first_attention: The same at the tower's first layer.
        keys: Keys (n, dk) of the tower's attention, mean over heads.
        query: Text features (dq,) or (m, dq), in the space of the features.
        tiles: Which view each token belongs to: `Tiles`, `Views`, or only numbers from 0, int (n,).

    Raises:
        TypeError, ValueError: a field of another kind or shape, or numbers that are not finite.
    """

    grid: tuple[int, int] | None = None
    attention: Tensor | None = None
    first_attention: Tensor | None = None
    keys: Tensor | None = None
    query: Tensor | None = None
    tiles: Tensor | Tiles | Views | None = None

    def __post_init__(self) -> None:
        if self.grid is not None:
            check_grid(self.grid, "grid")
        for name, axes in (("attention", (1,)), ("first_attention", (1,)), ("keys", (2,)), ("query", (1, 2))):
            _check_floats(getattr(self, name), name, axes)
        for name in ("attention", "first_attention"):
            given = getattr(self, name)
            if given is not None and bool((given < 0).any()):
                raise ValueError(f"{name} must not be negative, got a value below 0; take it after the softmax")
        if self.tiles is not None and not isinstance(self.tiles, Tiles | Views):
            check_numbers(self.tiles, "tiles")

    def numbers(self, n: int) -> Tensor:
        """Returns the view of each token, int64 (n,); all 0 where no tiles are known."""
        if self.tiles is None:
            return torch.zeros(n, dtype=torch.long)
        return self.tiles.long() if isinstance(self.tiles, Tensor) else self.tiles.numbers()


@dataclass(frozen=True, eq=False)
class Reduction:
    """What is left of an image's visual tokens.

    Attributes:
        kept: The token that each one left stands at, int64 (B,), rising.
        features: (B, d), of the type of those given; merged where the method merges.
        sizes: How many tokens went into each, float64 (B,); 1 where nothing was merged.
        positions: Centres (y, x) in cells, float64 (B, 2): the centre of cell i is i + 0.5, merged ones have the mean
            of theirs. None where no grid is known.
    """

    kept: Tensor
    features: Tensor
    sizes: Tensor
    positions: Tensor | None = None


class Reducer(Protocol):
    """A method that chooses or merges the visual tokens of one image, after the vision tower.

    Methods are frozen dataclasses: their fields are their options, and their `repr` is what rebuilds them. All are
    deterministic, and the full budget returns the features bit for bit. A class of your own says where it belongs by
    `site: ClassVar = "features"`. Two attributes, sets of names of `FeatureContext`, tell a model's adapter what to
    look up: `needs`, without which the method refuses, and `uses`, which it takes where they are known. A method
    without `needs` is called with features and budget alone.
    """

    site: ClassVar[Site]

    def __call__(self, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        """Returns exactly `budget` tokens.

        Args:
            features: Finite floats (n, d) on any device; gradients flow through them.
            budget: From 1 to n.
            context: What else is known.

        Raises:
            ValueError: a budget outside the range, features or a context that do not fit, or something needed that the
                context lacks.
            TypeError: a budget that is not an integer.
        """
        ...


def checked(features: Tensor, budget: int, context: FeatureContext | None) -> FeatureContext:
    """Returns the context, on the features' device, once everything fits together."""
    if not isinstance(features, Tensor) or features.ndim != 2 or not features.is_floating_point():
        got = f"{tuple(features.shape)} {features.dtype}" if isinstance(features, Tensor) else shorten(features)
        raise ValueError(f"features must be floats of shape (n, d), one image at a time, got {got}")
    if not features.numel() or not bool(features.isfinite().all()):
        raise ValueError(f"features must be finite, at least one token, got {tuple(features.shape)} with others")
    n = len(features)
    whole_number(budget, "budget", 1, n, hint="that many visual tokens there are")
    known = FeatureContext() if context is None else context
    grid_cells = None if known.grid is None else known.grid[0] * known.grid[1]
    found = {
        "grid": grid_cells,
        "attention": None if known.attention is None else len(known.attention),
        "first_attention": None if known.first_attention is None else len(known.first_attention),
        "keys": None if known.keys is None else len(known.keys),
        "tiles": None if known.tiles is None else len(known.numbers(n)),
    }
    for name, length in found.items():
        if length not in (None, n):
            raise ValueError(f"{name} must be of the {n} visual tokens, got {length}; take it from the same view")
    if known.query is not None and known.query.shape[-1] != features.shape[1]:
        raise ValueError(
            f"query must be as wide as the features, got {known.query.shape[-1]} and {features.shape[1]}; "
            "project both into one space"
        )
    move = {
        name: value.detach().to(features.device) for name, value in vars(known).items() if isinstance(value, Tensor)
    }
    return FeatureContext(**{**vars(known), **move})


def needed(value: Tensor | None, name: str, method: str) -> Tensor:
    """Returns the value as float64, or says that `method` needs it."""
    if value is None:
        raise ValueError(f"{method} needs {name}, got none; give FeatureContext({name}=...)")
    return value.double()


def _check_floats(value: object, name: str, axes: tuple[int, ...]) -> None:
    if value is None:
        return
    if not isinstance(value, Tensor) or not value.is_floating_point():
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a floating tensor, got {found}; convert it with torch.as_tensor")
    if value.ndim not in axes or not value.numel() or not bool(value.isfinite().all()):
        wanted = " or ".join(map(str, axes))
        raise ValueError(f"{name} must be finite, of {wanted} axes and not empty, got shape {tuple(value.shape)}")
