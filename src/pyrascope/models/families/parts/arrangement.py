"""How images lie in a prompt, and visual tokens on an image; where nothing is particular, one item is one image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from ...stock.placeholders import Run, by_items
from ...stock.protocols import Model, Processor
from .layout import TokenLayout

KEEPS_CLS = (
    "with vision_feature_select_strategy='full' the token [CLS] is a visual token too, so that they are not a grid of "
    "patches; use a reducer that needs none, such as DivPrune"
)


@dataclass(frozen=True)
class Arrangement:
    """How a family lays its images out in a prompt, and their visual tokens on the image."""

    packed: ClassVar[bool] = False
    """Whether the tower has all images in one sequence."""

    def images(
        self, runs: Sequence[Run], items: Sequence[int], input_ids: Tensor, processor: Processor | None = None
    ) -> list[list[Run]]:
        """Groups the placeholders by image.

        Args:
            runs: All runs of placeholders, in order.
            items: Number of feature rows of each item that the tower returned.
            input_ids: The prompts (b, s).
            processor: The model's processor, where the grouping needs its tokens.

        Returns:
            One list of runs an image.

        Raises:
            ValueError: placeholders and features do not match.
        """
        return by_items(runs, items)

    def layouts(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        groups: Sequence[Sequence[Run]],
        processor: Processor | None = None,
    ) -> list[TokenLayout]:
        """Says where the visual tokens of each image come from, as far as it is known of the family.

        Args:
            model: The model.
            inputs: Those of the full prompt.
            groups: The placeholders of each image, as `images` returns them.
            processor: The model's processor, where its tokens tell how tiles are arranged.
        """
        return [TokenLayout() for _ in groups]


@dataclass(frozen=True)
class ByRun(Arrangement):
    """The tower returns tiles, and the tiles of one image stand in one unbroken run."""

    def images(
        self, runs: Sequence[Run], items: Sequence[int], input_ids: Tensor, processor: Processor | None = None
    ) -> list[list[Run]]:
        """Groups by run; see `Arrangement.images`."""
        by_items(runs, items)
        return [[run] for run in runs]


def setting(model: Model, inputs: Mapping[str, Any], name: str) -> Any:
    """What a call says, or else the model's configuration; None where neither does."""
    return inputs.get(name, getattr(model.config, name, None))


def tokens_of(groups: Sequence[Sequence[Run]]) -> list[int]:
    """The number of visual tokens of each image."""
    return [sum(len(run.columns) for run in group) for group in groups]


def patches_of(model: Model, inputs: Mapping[str, Any]) -> tuple[int, int]:
    """Rows and columns of patches of a view, by the pixels that the tower gets."""
    size = model.config.vision_config.patch_size
    high, wide = size if isinstance(size, list | tuple) else (size, size)
    rows, columns = inputs["pixel_values"].shape[-2:]
    return int(rows) // high, int(columns) // wide
