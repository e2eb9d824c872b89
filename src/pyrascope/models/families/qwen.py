"""Qwen2-VL and its successors: images of any size in one sequence, whose patches stand block by block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..stock.placeholders import Run
from .family import Family
from .parts.layout import Layout, one_view


@dataclass(frozen=True)
class Qwen(Family):
    """The grid of an image is given; Qwen2.5-VL's tower has the blocks window by window."""

    packed: ClassVar[bool] = True

    def layouts(
        self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]], processor: Any = None
    ) -> list[Layout]:
        """Says where the visual tokens come from; see `Family.layouts`."""
        vision = model.config.vision_config
        merge = vision.spatial_merge_size
        window = getattr(vision, "window_size", 0) // merge // vision.patch_size
        out, start = [], 0
        for times, rows, columns in inputs["image_grid_thw"].tolist():
            grid, cells = (rows // merge, columns // merge), times * rows * columns // merge**2
            places = by_window(grid, window) if window else torch.arange(cells)
            out.append(
                Layout(
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
