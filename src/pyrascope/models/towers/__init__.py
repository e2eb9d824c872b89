"""Vision towers at the pixels site: how each takes patches from anywhere in an image."""

from typing import Any

from .tower import Cells, Tower
from .vit import Llava

TOWERS: dict[str, Tower] = {"llava": Llava()}
"""Adapters by model type."""


def tower_of(model: Any) -> Tower:
    """Returns the adapter of a model.

    Raises:
        NotImplementedError: no tower of this type is known here.
    """
    kind = str(model.config.model_type)
    if kind not in TOWERS:
        raise NotImplementedError(
            f"plans before the tower are known for {', '.join(sorted(TOWERS))}, got {kind}; use plan.crops or a reducer"
        )
    return TOWERS[kind]


__all__ = ["TOWERS", "Cells", "Tower", "tower_of"]
