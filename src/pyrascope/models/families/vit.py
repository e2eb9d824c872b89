"""LLaVA, PaliGemma, Gemma3 and the like: a vision transformer sees the whole image once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..stock.placeholders import Run
from ..stock.tower import has_cls, tower_of
from .family import KEEPS_CLS, Family, patches_of, setting, tokens_of
from .parts.layout import Layout, even_views


@dataclass(frozen=True)
class ViT(Family):
    """One visual token for each patch, or for each square block of patches where the projector pools them."""

    def layouts(
        self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]], processor: Any = None
    ) -> list[Layout]:
        """Says where the visual tokens come from; see `Family.layouts`.

        Nothing is known of a tower that takes images of any size.

        Raises:
            NotImplementedError: features that keep [CLS] as a visual token.
        """
        counts, side = tokens_of(groups), patches_of(model, inputs)
        cls = has_cls(tower_of(model))
        kept = cls and setting(model, inputs, "vision_feature_select_strategy") == "full"
        if kept:
            raise NotImplementedError(KEEPS_CLS)
        merge = next((m for m in range(1, min(side) + 1) if side[0] // m * (side[1] // m) == counts[0]), None)
        if inputs.get("image_sizes") is not None or merge is None:
            return super().layouts(model, inputs, groups, processor)
        return even_views(counts, side, merge, cls)
