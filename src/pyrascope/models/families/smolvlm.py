"""SmolVLM and Idefics3: a square of patches is one token; an image is several tiles, the global view last."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...allocation.contracts.tiles import Views, at_centres
from ..stock.encode import Encoded
from ..stock.placeholders import Run, by_items
from ..stock.protocols import Model, Processor
from .parts.arrangement import Arrangement, patches_of, tokens_of
from .parts.canvas import Canvas
from .parts.layout import TokenLayout, even_views, whole_last
from .parts.small import VIT, Recipe, config_of, text
from .parts.tiles import tiled, views_of
from .parts.tower import Cells, gathered, pixel_values
from .parts.trunk import encode_cells, trunk_of
from .record import Family


@dataclass(frozen=True)
class SmolVLMTower:
    """The patches of a cell are joined by the connector."""

    def cell(self, model: Model) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        return int(model.config.vision_config.patch_size * model.config.scale_factor)

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of all views of each prompt; see `Tower.items`."""
        pixels = pixel_values(inputs, "prompts, views, c, h, w")
        one = _tokens_of_view(pixels, self.cell(model))
        return [int(count) * one for count in _shown(pixels).sum(1)]

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns the tiles of each image put together; see `Tower.canvases`.

        Raises:
            NotImplementedError: padding inside a view.
        """
        pixels = inputs["pixel_values"]
        shown = _shown(pixels)
        mask = inputs.get("pixel_attention_mask")
        if mask is not None and not bool(mask[shown].all()):
            raise NotImplementedError("plans need views without padding, got some in pixel_attention_mask")
        cell = self.cell(model)
        views = views_of(groups, _tokens_of_view(pixels, cell))
        return [tiled(mine, cell) for mine in torch.split(pixels[shown], views)]

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns joined cells; see `Tower.encode`."""
        trunk = trunk_of(model.base_model.vision_model, bucketed=True)
        states = encode_cells(trunk, cells, norm=True)
        project = model.base_model.connector.modality_projection
        return gathered([one.flatten(1) for one in states], project, listed=True)


def _tokens_of_view(pixels: Tensor, cell: int) -> int:
    """Tokens of one view."""
    return (pixels.shape[-2] // cell) * (pixels.shape[-1] // cell)


def _shown(pixels: Tensor) -> Tensor:
    """Which views (prompts, views) are not padding: those that are not all zeros, as stock has it."""
    return pixels.flatten(2).any(-1)


@dataclass(frozen=True)
class SmolVLMArrangement(Arrangement):
    """The tower returns one item a prompt; the token before a run tells whether it ends an image."""

    def images(
        self, runs: Sequence[Run], items: Sequence[int], input_ids: Tensor, processor: Processor | None = None
    ) -> list[list[Run]]:
        """Groups by the global view; see `Arrangement.images`.

        Raises:
            ValueError: also where a prompt has several tiles and no processor tells which token marks a global view.
        """
        by_items(runs, items)
        last = _global_token(processor)
        if last is None:
            if len({run.row for run in runs}) < len(runs):
                raise ValueError(
                    "several tiles in one prompt need the processor to tell which make up an image, got none "
                    "or another model's; pass processor="
                )
            return [[run] for run in runs]
        groups: list[list[Run]] = []
        open_row = None
        for run in runs:
            if open_row != run.row:
                groups.append([])
            groups[-1].append(run)
            ends = run.start > 0 and int(input_ids[run.row, run.start - 1]) == last
            open_row = None if ends else run.row
        return groups

    def layouts(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        groups: Sequence[Sequence[Run]],
        processor: Processor | None = None,
    ) -> list[TokenLayout]:
        """Says where the visual tokens come from; see `Arrangement.layouts`.

        How tiles are arranged is told by the tokens before them, which name their row and column.
        """
        side, merge = patches_of(model, inputs), model.config.scale_factor
        view = (side[0] // merge, side[1] // merge)
        out = []
        for one, group in zip(even_views(tokens_of(groups), side, merge, False), groups, strict=True):
            number = whole_last(len(group), view[0] * view[1])
            arranged = _arrangement(group, inputs["input_ids"], processor)
            tiles = number if arranged is None else Views(number, at_centres(arranged, view))
            out.append(replace(one, tiles=tiles))
        return out


def _arrangement(group: Sequence[Run], input_ids: Tensor, processor: Processor | None) -> Tensor | None:
    """The tiles of an image by row and column, int64; None where there are none or their tokens do not tell."""
    named_by = getattr(getattr(processor, "tokenizer", None), "convert_ids_to_tokens", None)
    if len(group) == 1 or named_by is None:
        return None
    before = [int(input_ids[run.row, run.start - 1]) for run in group[:-1]]
    named = [_NAME.fullmatch(str(token)) for token in named_by(before)]
    places = [(int(match[1]), int(match[2])) if match else (0, 0) for match in named]
    rows, columns = places[-1]
    if places != [(row + 1, column + 1) for row in range(rows) for column in range(columns)]:
        return None
    return torch.arange(rows * columns).reshape(rows, columns)


_NAME = re.compile(r"<row_(\d+)_col_(\d+)>")


def _global_token(processor: Processor | None) -> int | None:
    """The id of the token before a global view, or None where the processor does not tell."""
    token = getattr(processor, "global_image_token", None) or getattr(processor, "global_image_tag", None)
    tokenizer = getattr(processor, "tokenizer", None)
    return None if token is None or tokenizer is None else int(tokenizer.convert_tokens_to_ids(token))


SMOLVLM = Family(
    types=("idefics3", "smolvlm"),
    arrangement=SmolVLMArrangement(),
    tower=SmolVLMTower(),
    biased=True,
    small={"smolvlm": Recipe("SmolVLM", config_of(VIT, text("llama"), scale_factor=2), "tiles")},
)
