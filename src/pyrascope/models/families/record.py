"""All that is known of some model types, in one record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .parts.arrangement import Arrangement
from .parts.small import Recipe
from .parts.tower import Tower

OF_CONVOLUTIONS = "its tower is made of convolutions, which cannot take packed patches; use plan.crops"
NOT_MASKING = "do not compute what they should when tokens leave; use a reducer"
"""What `verify` has found of some: an error, or another result than masking the tokens gives."""


@dataclass(frozen=True)
class Family:
    """Model types that are served in one way. A type without a record is served by the defaults.

    Attributes:
        types: As `model.config.model_type` has them.
        arrangement: How images lie in its prompts, and visual tokens on an image.
        tower: The pixels site: the adapter of its vision tower, or a sentence that says why plans cannot be served;
            None where no adapter is known.
        towers: Other adapters, by an attribute of the vision tower that tells when they serve.
        layers: The layers site: why tokens cannot leave between its layers, said of the layers; empty where they can.
        refused: Why no site can be served, as what a model must do; empty where some can.
        biased: Whether the adapter adds a bias to the attention of its tower, so that it takes `sized`.
        needs: A package that its tower needs besides transformers.
        small: How a small model of each type is made: a recipe written out whole, for the types that all tests run
            on, or what is laid over the default configuration, cut down.
        style: How its small models take images, where their tower does not tell; see `verify.small.noise`.
        square_patches: Whether its tower takes patches as small images (c, p, p).
        row_breaks: Types whose prompts end each row of an image with a token.
    """

    types: tuple[str, ...]
    arrangement: Arrangement = field(default_factory=Arrangement)
    tower: Tower | str | None = None
    towers: Mapping[str, Tower] = field(default_factory=dict)
    layers: str = ""
    refused: str = ""
    biased: bool = False
    needs: str = ""
    small: Mapping[str, Recipe | Mapping[str, Any]] = field(default_factory=dict)
    style: str = ""
    square_patches: bool = False
    row_breaks: tuple[str, ...] = ()
