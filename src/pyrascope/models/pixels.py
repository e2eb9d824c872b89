"""The pixels site: a plan decides which patches of an image the tower sees at all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._check import one_of, shorten
from ..allocation.allocator import Allocator, Scene
from ..allocation.plan import Plan
from ..tokens.gather import gather_patches
from .canvas import Canvas
from .encode import tower_arguments
from .families import family_of
from .inputs import REDUCED, check_inputs, has_images, with_mask
from .placeholders import Run, placeholder_runs
from .reduce import budgets_of
from .shrink import ORIGINAL, POSITIONS, shorter, stock_positions
from .sites import PIXELS, site_of
from .support import check_model
from .towers import Cells, tower_of

Inputs = dict[str, Any]


def plan_inputs(
    model: Any,
    inputs: Mapping[str, Any],
    method: Allocator,
    budget: Any,
    *,
    processor: Any = None,
    images: Any = None,
    share: str = "image",
    positions: str = ORIGINAL,
    finest: str | int = "grid",
) -> tuple[Inputs, list[Plan]]:
    """Returns the inputs of the shorter prompts, and the plan of each image; inputs without images pass through."""
    check_model(model)
    check_allocator(method)
    one_of(positions, "positions", POSITIONS)
    check_inputs(model, inputs)
    if not has_images(inputs):
        return dict(inputs), []
    full = with_mask(inputs)
    ids = full["input_ids"]
    tower = tower_of(model)
    runs = placeholder_runs(ids, model.config.image_token_id)
    family = family_of(model.config.model_type)
    groups = family.images(runs, tower.items(model, full), ids, processor)
    canvases = tower.canvases(model, full, groups)
    budgets = budgets_of(budget, [one.count for one in canvases], [group[0].row for group in groups], share)
    plans = [_plan(method, canvas, tokens) for canvas, tokens in zip(canvases, budgets, strict=True)]

    order = [_order(canvas, plan) for canvas, plan in zip(canvases, plans, strict=True)]
    cells = [_cells(canvas, plan, one) for canvas, plan, one in zip(canvases, plans, order, strict=True)]
    encoded = tower.encode(model, cells)
    place = stock_positions(model, full).clone()
    keep = full["attention_mask"].bool() & (ids != model.config.image_token_id)
    for group, canvas, one in zip(groups, canvases, cells, strict=True):
        place = _placed(place, keep, group, canvas, one)
        stays = [bool(keep[run.row, run.start : run.end].any()) for run in group]
        keep[group[0].row, family.leaving(group, stays)] = False
    out = shorter(model, {**full, "position_ids": place[0] if len(place) == 1 else place}, keep, positions,
                  used=tower_arguments(model))  # fmt: skip
    rows = torch.arange(len(encoded.rows)).split(list(encoded.items))
    out[REDUCED] = encoded.take(rows, encoded.rows.split(list(encoded.items)))
    return out, [canvas.in_source(plan) for canvas, plan in zip(canvases, plans, strict=True)]


def check_allocator(method: Any) -> None:
    """Refuses what is no method of the pixels site (TypeError)."""
    site = site_of(method)
    if site != PIXELS:
        raise TypeError(f"method must be an allocator (pixels site), got {shorten(method)} of the {site} site")


def _plan(method: Allocator, canvas: Canvas, budget: int) -> Plan:
    return method([Scene(canvas.pixels.float() * 0.5 + 0.5)], budget, canvas.cell)[0]


def _held(boxes: Tensor, cells: Cells) -> Tensor:
    """Row and column (n, 2) of the stock cell that holds the centre of each box."""
    return cells.centres.long().minimum(torch.tensor(cells.grid) - 1)


def _order(canvas: Canvas, plan: Plan) -> Tensor:
    """The plan's boxes in the order of the tokens: by the stock token of the cell that holds the centre, then y, x."""
    boxes = torch.from_numpy(canvas.boxes(plan))
    cells = Cells(boxes, boxes, canvas.grid)
    row, column = _held(boxes, cells).T
    y, x = cells.centres.T.numpy()
    return torch.from_numpy(np.lexsort((x, y, canvas.tokens[row, column].numpy())))


def _cells(canvas: Canvas, plan: Plan, order: Tensor) -> Cells:
    patches = gather_patches(canvas.pixels, plan)
    return Cells(patches[order.to(patches.device)], torch.from_numpy(canvas.boxes(plan))[order], canvas.grid)


def _placed(place: Tensor, keep: Tensor, group: Sequence[Run], canvas: Canvas, cells: Cells) -> Tensor:
    """Gives the cells columns of the image (in `keep`), and returns the positions with theirs written into them."""
    held = _held(cells.boxes, cells)
    token = canvas.tokens[held[:, 0], held[:, 1]]
    number = torch.arange(len(token))
    columns = torch.tensor([column for run in group for column in run.columns])
    mine = columns[((token - number).cummax(0).values + number).minimum(number + canvas.count - len(token))]
    row = group[0].row
    keep[row, mine.to(keep.device)] = True
    stock = place[:, row, columns[token].to(place.device)]
    if len(place) > 1:
        shift = torch.nn.functional.pad((cells.centres - 0.5 - held).T, (0, 0, 1, 0))
        if shift.any():
            place, stock = place.float(), stock + shift.to(place.device, torch.float32)
    place[:, row, mine.to(place.device)] = stock
    return place
