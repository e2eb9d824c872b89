"""The checks of the pixels site: the tower sees planned patches, the language model exactly B tokens of them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....methods import RateDistortion
from ...pixels.site import canvases_of, plan_inputs
from ...prompts.shrink import stock_positions
from ...stock.inputs import with_mask
from ...stock.protocols import Model, Processor
from .check import Check, Finding, Make, close
from .shorter import Inputs, Shorter

METHOD = RateDistortion(aspect=1)


def _planned(model: Model, processor: Processor | None, inputs: Inputs, budget: Any) -> Inputs:
    return plan_inputs(model, inputs, METHOD, budget, processor=processor)[0]


def _counts(model: Model, processor: Processor | None, inputs: Inputs) -> list[int]:
    return [canvas.count for canvas in canvases_of(model, inputs, processor)[1]]


SITE = Shorter(METHOD, _planned, _counts)


def _positions(model: Model, processor: Processor | None, make: Make) -> Finding:
    """Every token where its box's centre lies: found again in the full prompt, box by box."""
    inputs = make((0, 1))
    budget = SITE.part(model, processor, make)
    small, plans = plan_inputs(model, inputs, METHOD, budget, processor=processor)
    full = with_mask(inputs)
    stock = stock_positions(model, full).double()
    wanted: dict[int, list[Tensor]] = {}
    for group, canvas, plan in zip(*canvases_of(model, inputs, processor), plans, strict=True):
        columns = [column for run in group for column in run.columns]
        for y0, x0, y1, x1 in plan.boxes / canvas.cell:
            y, x = (y0 + y1) / 2, (x0 + x1) / 2
            token = int(canvas.tokens[int(y), int(x)])
            place = stock[:, group[0].row, columns[token]].clone()
            if len(stock) == 3:
                place[1:] += place.new_tensor([y - int(y) - 0.5, x - int(x) - 0.5])
            wanted.setdefault(group[0].row, []).append(place)
    found = small["position_ids"].double().reshape(-1, *small["input_ids"].shape)[-len(stock) :]
    visual = small["input_ids"] == model.config.image_token_id
    for row, places in wanted.items():
        good, detail = close(_sorted(found[:, row, visual[row]].T), _sorted(torch.stack(places)))
        if not good:
            return good, detail
    return True, ""


def _sorted(places: Tensor) -> Tensor:
    """Places (n, 1 or 3) in an order that does not depend on the one in which they came."""
    return places[torch.from_numpy(np.lexsort(places.cpu().numpy().T))]


CHECKS: dict[str, Check] = {**SITE.checks(), "positions": _positions}
