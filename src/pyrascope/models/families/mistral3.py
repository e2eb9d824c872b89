"""Mistral3, and LLaVA with Pixtral's tower: images of any size in one sequence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..stock.placeholders import Run
from .family import Family
from .parts.layout import Layout, packed


@dataclass(frozen=True)
class Mistral3(Family):
    """The grid of an image follows from its size."""

    packed: ClassVar[bool] = True

    def layouts(
        self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]], processor: Any = None
    ) -> list[Layout]:
        """Says where the visual tokens come from; see `Family.layouts`."""
        size = model.config.vision_config.patch_size
        sides = [(int(high) // size, int(wide) // size) for high, wide in inputs["image_sizes"]]
        return packed(sides, getattr(model.config, "spatial_merge_size", 1))
