"""Qwen2-VL and its successors: images of any size in one sequence, their patches block by block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ..stock.encode import Encoded
from ..stock.placeholders import Run
from ..stock.protocols import Model, Processor
from .parts.arrangement import Arrangement
from .parts.canvas import Canvas, raster
from .parts.layout import TokenLayout, one_view
from .parts.small import SECTIONS, Recipe, qwen_config
from .parts.tokens import START
from .parts.tower import Cells
from .parts.trunk import centres
from .record import Family


@dataclass(frozen=True)
class QwenTower:
    """Qwen2-VL, Qwen2.5-VL, Qwen3-VL, GLM-4V and towers like them, by the geometry that their `forward` takes.

    Each patch has the position of its centre: rotated, and where there is a table of positions, sampled from it. Where
    some layers attend within windows only, a cell belongs to the window of cells of its own size that holds its centre:
    a coarse view of the whole image has the windows of the small image that it is.
    """

    def cell(self, model: Model) -> int:
        """Returns the side of a token's square; see `Tower.cell`."""
        visual = model.base_model.visual
        return int(visual.config.patch_size * visual.spatial_merge_size)

    def items(self, model: Model, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the tokens of each image; see `Tower.items`."""
        grids: Tensor = inputs["image_grid_thw"]
        return [int(count) // model.base_model.visual.spatial_merge_size**2 for count in grids.prod(1)]

    def canvases(self, model: Model, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns each image, put together from its rows of patches; see `Tower.canvases`.

        Raises:
            ValueError: an image whose frames differ, which is a video.
        """
        visual, grids = model.base_model.visual, inputs["image_grid_thw"].tolist()
        merge, patch = visual.spatial_merge_size, visual.config.patch_size
        out = []
        for rows, grid in zip(inputs["pixel_values"].split([t * h * w for t, h, w in grids]), grids, strict=True):
            height, width = grid[1] // merge, grid[2] // merge
            frames = rows.reshape(height, width, merge, merge, -1, visual.config.temporal_patch_size, patch, patch)
            if grid[0] != 1 or not bool((frames == frames[:, :, :, :, :, :1]).all()):
                raise ValueError(f"images must have one frame, shown twice, got others in the grid {grid}; drop videos")
            pixels = frames[:, :, :, :, :, 0].permute(4, 0, 2, 5, 1, 3, 6).flatten(4, 6).flatten(1, 3)
            out.append(Canvas(pixels, merge * patch, (height, width), raster(height, width), height * width))
        return out

    def encode(self, model: Model, cells: Sequence[Cells]) -> Encoded:
        """Returns merged cells; see `Tower.encode`."""
        visual = model.base_model.visual
        merge, frames = visual.spatial_merge_size, visual.config.temporal_patch_size
        patches = torch.cat([one.cut(merge) for one in cells])
        rows = patches[:, :, None].expand(-1, -1, frames, -1, -1).flatten(1).to(visual.dtype)
        geometry = geometry_of(cells, merge, visual if hasattr(visual, "num_grid_per_side") else None)
        if hasattr(visual, "fullatt_block_indexes"):
            geometry["window_index"], sizes = windows(cells, visual.window_size // merge // visual.patch_size)
            geometry["cu_window_seqlens"] = _ends(sizes * merge**2)
        geometry = {name: value.to(rows.device) for name, value in geometry.items()}
        spanned = hasattr(visual, "embeddings")  # GLM's table of positions spans the grid; others are not to look at it
        grids = [(1, one.grid[0] * merge, one.grid[1] * merge) if spanned else (0, 0, 0) for one in cells]
        out = visual(rows, grid_thw=torch.tensor(grids, device=rows.device), return_dict=True, **geometry)
        deepstack = tuple(getattr(out, "deepstack_features", None) or ())
        return Encoded(out.pooler_output, tuple(len(one.patches) for one in cells), True, deepstack, type(out))


def geometry_of(cells: Sequence[Cells], k: int, owner: Any = None) -> dict[str, Tensor]:
    """Returns where the k x k patches of each cell lie, in the words of the towers' `forward`.

    Args:
        cells: Of several images, each of which attends to itself.
        k: Patches along each side of a cell.
        owner: What has a table of positions, if there is one; see `table_samples`.
    """
    places = [centres(one, k) - 0.5 for one in cells]  # the first native patch is at 0
    counts = torch.tensor([len(one) for one in places])
    geometry = {"position_ids": torch.cat(places).float(), "cu_seqlens": _ends(counts)}
    if owner is not None:
        found = [
            table_samples(owner, place, (one.grid[0] * k, one.grid[1] * k))
            for place, one in zip(places, cells, strict=True)
        ]
        geometry["interp_indices"] = torch.cat([index for index, _ in found])
        geometry["interp_weights"] = torch.cat([weight for _, weight in found])
    return geometry


def windows(cells: Sequence[Cells], side: int) -> tuple[Tensor, Tensor]:
    """Puts cells together that attend to each other, all those of a size in windows of `side` x `side` of that size.

    Returns:
        The cells of all images in the order of their windows (n,), and how many each window has.

    >>> boxes = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 2], [0, 2, 1, 3], [1, 0, 2, 1], [0, 0, 2, 2], [0, 2, 2, 4]])
    >>> windows([Cells(boxes, boxes.double(), (2, 4))], 2)
    (tensor([0, 1, 3, 2, 4, 5]), tensor([3, 1, 2]))
    """
    keys = []
    for number, one in enumerate(cells):
        extent = one.boxes[:, 2:] - one.boxes[:, :2]
        place = torch.floor((one.boxes[:, :2] + extent / 2) / (extent * side))
        size = torch.round(extent * 2**16)  # equal but for rounding
        keys.append(torch.cat([torch.full((len(size), 1), number, dtype=size.dtype), size, place], 1))
    found = torch.unique(torch.cat(keys), dim=0, return_inverse=True, return_counts=True)
    order: Tensor = found[1].argsort(stable=True)
    return order, found[2]


def _ends(counts: Tensor) -> Tensor:
    """Where each of several lengths ends, from 0 on: int32."""
    return functional.pad(counts.cumsum(0), (1, 0)).to(torch.int32)


def table_samples(owner: Any, places: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Returns which entries of a table of positions make that of each place, and how much of each.

    Args:
        owner: What has the table, and says how a grid of patches lies on it.
        places: (n, 2), (y, x) in patches of `grid`; the first patch is at 0.
        grid: Rows and columns of patches that the table spans.

    Returns:
        Indices (n, 4), int64, and weights (n, 4), float32.

    Raises:
        NotImplementedError: a table that is not sampled bilinearly.
    """
    if owner.interpolation_mode != "bilinear":
        raise NotImplementedError(
            f"plans need a table of positions that is sampled bilinearly, got {owner.interpolation_mode} in "
            f"{type(owner).__name__}; use a reducer"
        )
    side = owner.num_grid_per_side
    indices, weights = [], []
    for axis, count in enumerate(grid):
        place = places[:, axis].clamp(0, count - 1).float()
        if owner.interpolation_align_corners:
            place = place * (side - 1) / max(count - 1, 1)
        else:
            place = (place + 0.5) * side / count - 0.5
        low = place.floor()
        indices.append(torch.stack([low, low + 1], 1).long().clamp(0, side - 1))
        weights.append(torch.stack([1 - (place - low), place - low], 1))
    index = indices[0][:, :, None] * side + indices[1][:, None]
    weight = weights[0][:, :, None] * weights[1][:, None]
    return index.flatten(1), weight.flatten(1)


@dataclass(frozen=True)
class QwenArrangement(Arrangement):
    """The grid of an image is given; Qwen2.5-VL's tower has the blocks window by window."""

    packed: ClassVar[bool] = True

    def layouts(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        groups: Sequence[Sequence[Run]],
        processor: Processor | None = None,
    ) -> list[TokenLayout]:
        """Says where the visual tokens come from; see `Arrangement.layouts`."""
        vision = model.config.vision_config
        merge = vision.spatial_merge_size
        window = getattr(vision, "window_size", 0) // merge // vision.patch_size
        out, start = [], 0
        for times, rows, columns in inputs["image_grid_thw"].tolist():
            grid, cells = (rows // merge, columns // merge), times * rows * columns // merge**2
            places = by_window(grid, window) if window else torch.arange(cells)
            out.append(
                TokenLayout(
                    grid=grid if times == 1 else None,
                    tiles=one_view(cells),
                    mean=_of_blocks(start + places, merge**2),
                    patches=torch.full((cells,), float(merge**2)),
                    lookers=times * rows * columns,
                )
            )
            start += cells
        return out


def by_window(grid: tuple[int, int], window: int) -> Tensor:
    """Returns the place in the tower of each cell (rows * columns,), where windows of cells follow one another.

    >>> by_window((2, 4), 2).reshape(2, 4)
    tensor([[0, 1, 4, 5],
            [2, 3, 6, 7]])
    """
    y, x = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    across = -(-grid[1] // window)
    order = ((y // window * across + x // window) * window + y % window) * window + x % window
    return order.flatten().argsort().argsort()


def _of_blocks(places: Tensor, patches: int) -> Callable[[Tensor], Tensor]:
    return lambda values: values.reshape(-1, patches, values.shape[-1]).mean(1)[places.to(values.device)]


QWEN = Family(
    types=("qwen2_5_vl", "qwen2_vl", "qwen3_vl"),
    arrangement=QwenArrangement(),
    tower=QwenTower(),
    small={
        "qwen2_5_vl": Recipe(
            "Qwen2_5_VL",
            qwen_config(
                hidden_size=32, intermediate_size=48, out_hidden_size=64, window_size=32, fullatt_block_indexes=[1]
            ),
            "grid",
        ),
        "qwen2_vl": Recipe("Qwen2VL", qwen_config(embed_dim=32, hidden_size=64, mlp_ratio=2), "grid"),
        "qwen3_vl": Recipe(
            "Qwen3VL",
            qwen_config(
                {"mrope_interleaved": True},
                hidden_size=32,
                intermediate_size=48,
                out_hidden_size=64,
                num_position_embeddings=64,
                deepstack_visual_indexes=[0, 1],
            ),
            "grid",
        ),
    },
)
LATER_QWEN = Family(
    types=(
        "qwen2_5_omni_thinker",
        "qwen3_5",
        "qwen3_5_moe",
        "qwen3_omni_moe_thinker",
        "qwen3_vl_moe",
    ),
    tower=QwenTower(),
    small={
        "qwen2_5_omni_thinker": {"vision_start_token_id": START, **SECTIONS},
        "qwen3_omni_moe_thinker": {"vision_start_token_id": START},
    },
)
QWEN4 = Family(
    types=("qwen4_exp",),
    small={
        "qwen4_exp": {
            "text_config": {
                "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 16, "indexer_budget": 64,
                "indexer_compress_ratio": 4,
            },
        },
    },
)  # fmt: skip
