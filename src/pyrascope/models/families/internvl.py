"""InternVL: the tower returns tiles, and the tiles of one image stand in one unbroken run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..stock.placeholders import Run
from ..stock.tower import has_cls, tower_of
from .by_run import ByRun
from .family import patches_of, tokens_of
from .parts.layout import Layout, even_views, whole_last


@dataclass(frozen=True)
class InternVL(ByRun):
    """One image is one run, and its last view is the whole image."""

    def layouts(
        self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]], processor: Any = None
    ) -> list[Layout]:
        """Says where the visual tokens come from; see `Family.layouts`.

        The last of several views is the whole image. How its tiles are arranged, nothing in the inputs tells.
        """
        side, merge = patches_of(model, inputs), round(1 / model.config.downsample_ratio)
        cells = (side[0] // merge) * (side[1] // merge)
        found = even_views(tokens_of(groups), side, merge, has_cls(tower_of(model)))
        return [
            replace(one, tiles=whole_last(count // cells, cells))
            for one, count in zip(found, tokens_of(groups), strict=True)
        ]
