"""LLaVA and VipLLaVA: a CLIP or SigLIP tower sees the whole image once, and one patch is one token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..stock.encode import Encoded
from ..stock.placeholders import Run
from ..stock.protocols import Model, Processor
from ..stock.tower import has_cls, vision_module_of
from .parts.arrangement import KEEPS_CLS, Arrangement, patches_of, setting, tokens_of
from .parts.canvas import Canvas, whole_view
from .parts.layout import TokenLayout, even_views
from .parts.small import CLIP, Recipe, config_of, text
from .parts.tower import Cells, gathered, pixel_values
from .parts.trunk import check_view, encode_cells, trunk_of
from .pixtral import PixtralTower
from .record import Family


@dataclass(frozen=True)
class LlavaTower:
    """The hidden state that the model selects, projected."""

    def cell(self, model: Model) -> int:
        """Returns the side of a patch; see `Tower.cell`."""
        return trunk_of(model.base_model.vision_tower).patch

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the patches of each image; see `Tower.items`.

        Raises:
            NotImplementedError: the class token is a visual token, or a patch is dropped in its stead.
        """
        check_selection(model)
        count, _, height, width = pixel_values(inputs, "images, c, h, w").shape
        cell = self.cell(model)
        return [(height // cell) * (width // cell)] * count

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns each image as it is; see `Tower.canvases`."""
        check_view(trunk_of(model.base_model.vision_tower), inputs["pixel_values"])
        cell = self.cell(model)
        return [whole_view(pixels, cell) for pixels in inputs["pixel_values"]]

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns projected patches; see `Tower.encode`."""
        layers = model.config.vision_feature_layer
        states = encode_cells(
            trunk_of(model.base_model.vision_tower), cells, [layers] if isinstance(layers, int) else layers
        )
        return gathered([one.flatten(0, 1) for one in states], model.base_model.multi_modal_projector, listed=True)


def check_selection(model: Model) -> None:
    """Refuses selections of features that are not patches (NotImplementedError)."""
    strategy = getattr(model.config, "vision_feature_select_strategy", "full")
    classed = trunk_of(model.base_model.vision_tower).first is not None
    if classed != (strategy == "default"):
        raise NotImplementedError(
            f"plans need visual tokens that are patches, got vision_feature_select_strategy={strategy!r} with a tower "
            f"{'with' if classed else 'without'} a class token; use a reducer"
        )


@dataclass(frozen=True)
class LlavaArrangement(Arrangement):
    """One visual token for each patch, or for each square block of patches where the projector pools them."""

    def layouts(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        groups: Sequence[Sequence[Run]],
        processor: Processor | None = None,
    ) -> list[TokenLayout]:
        """Says where the visual tokens come from; see `Arrangement.layouts`.

        Nothing is known of a tower that takes images of any size.

        Raises:
            NotImplementedError: features that keep [CLS] as a visual token.
        """
        counts, side = tokens_of(groups), patches_of(model, inputs)
        cls = has_cls(vision_module_of(model))
        kept = cls and setting(model, inputs, "vision_feature_select_strategy") == "full"
        if kept:
            raise NotImplementedError(KEEPS_CLS)
        merge = next((m for m in range(1, min(side) + 1) if side[0] // m * (side[1] // m) == counts[0]), None)
        if inputs.get("image_sizes") is not None or merge is None:
            return super().layouts(model, inputs, groups, processor)
        return even_views(counts, side, merge, cls)


LLAVA = Family(
    types=("llava",),
    arrangement=LlavaArrangement(),
    tower=LlavaTower(),
    towers={"patch_conv": PixtralTower()},
    biased=True,
    small={"llava": Recipe("Llava", config_of(CLIP, text("llama")))},
)
VIP_LLAVA = Family(
    types=("vipllava",),
    arrangement=LlavaArrangement(),
    small={"vipllava": {"vision_feature_layer": [-1, -2], "vision_feature_layers": [-1, -2]}},
)
