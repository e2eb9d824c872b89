"""The pixels site: a plan decides which patches of an image the tower sees at all."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...allocation.contracts.allocator import Allocator, Scene
from ...allocation.contracts.weight import checked_weight
from ...allocation.plan import Plan
from ...tokens.gather import gather_patches
from ..budgets import budgets_of
from ..families.adapter import sized_of
from ..families.parts.canvas import Canvas
from ..families.parts.tower import Cells, area_bias
from ..host import Host
from ..look.first import looked, looks_through_model
from ..options import GRID, ORIGINAL, PixelOptions
from ..prompts.placement import Order
from ..prompts.shrink import shorter, stock_positions
from ..sites import PIXELS, check_site
from ..stock.clock import PLANNING, span
from ..stock.encode import Encoded, encode, tower_arguments
from ..stock.inputs import REDUCED, check_inputs, has_images, with_mask
from ..stock.placeholders import Run
from .placing import Prompts, order_of_plan
from .planning import plans_of
from .sources import normalisation_of, placed

Inputs = dict[str, Any]


def plan_inputs(  # noqa: PLR0913 (options by name)
    model: Any,
    inputs: Mapping[str, Any],
    method: Allocator,
    budget: Any,
    *,
    processor: Any = None,
    images: Any = None,
    share: str = "image",
    positions: str = ORIGINAL,
    at_most: bool = False,
    finest: str | int = GRID,
    sized: float | None = None,
    weights: Sequence[Tensor | None] | None = None,
) -> tuple[Inputs, list[Plan]]:
    """Returns the inputs of the shorter prompts, and the plan of each image; inputs without images pass through.

    The tower runs on the planned patches alone. A plan of the full stock grid is the stock encoding, where stock sees
    the image in one view. Where it sees tiles, the full budget runs the stock tower (the plan is then the grid of all
    tiles); a smaller one is a single pass over the whole image, and the tokens between tiles leave the prompt.

    Args:
        model: A model of transformers that takes encoded features.
        inputs: What the processor returns; with `labels` too in training. A missing attention mask is added.
        method: An allocator (`pyrascope.methods`).
        budget: Tokens of each image, a list with one number an image, or a ratio of all, a float in (0, 1]; None where
            the method chooses.
        processor: The processor, which knows how values are normalised and which tiles make up an image (the latter is
            needed by SmolVLM and Idefics3).
        images: The source images of this call, however nested, in the order of their placeholders; None where they are
            not known.
        share: "image": the budget is that of each image; "prompt": of all images of a prompt, planned together.
        positions: "original": every token has the position of the stock token whose cell holds its centre; "compact":
            positions that nothing uses any more close up.
        at_most: Whether an image that has fewer tokens than its budget keeps what it has, instead of an error.
        finest: Finest level of the plans: "grid", "source", or octaves from 0 to 3; see `PixelOptions`.
        sized: Share, 0 to 1, of log(area) in the tower's attention; see `PixelOptions`.
        weights: How much the places of each image matter, (h', w'); one map (or None) for each image.

    Returns:
        Inputs for `generate` and `forward`, and one plan an image: in source pixels where `images` are given, else in
        pixels of what the stock tower sees.

    Raises:
        ImportError: transformers is missing or too old.
        TypeError: the model or the method cannot do this, or an option is not known.
        NotImplementedError: the tower cannot take packed patches.
        ValueError: a budget out of range, videos, images that do not match, or placeholders that do not.
    """
    options = PixelOptions(share, positions, at_most, finest, sized, weights)
    return planned_inputs(Host.of(model, processor), inputs, method, budget, images, options)[:2]


def planned_inputs(
    host: Host, inputs: Mapping[str, Any], method: Allocator, budget: Any, images: Any, options: PixelOptions
) -> tuple[Inputs, list[Plan], list[Tensor]]:
    """Does what `plan_inputs` says, for a model that has been checked; also returns the placeholders that are left."""
    check_site(method, PIXELS)
    bias = sized_of(host.model, options.sized)
    check_inputs(host.model, inputs)
    if not has_images(inputs):
        return dict(inputs), [], []
    full = with_mask(inputs)
    groups, seen = _canvases(host, full)
    normal = normalisation_of(host.processor)
    canvases = placed(seen, images, host.processor, options.finest, normal)
    counts, rows = [canvas.count for canvas in canvases], [group[0].row for group in groups]
    budgets = (
        [None] * len(counts) if budget is None else budgets_of(budget, counts, rows, options.share, options.at_most)
    )
    weights = [None] * len(counts) if options.weights is None else list(options.weights)
    if len(weights) != len(counts):
        raise ValueError(f"weights must be one map (or None) for each of the {len(counts)} images, got {len(weights)}")
    scenes = [
        Scene(normal.shown(canvas.pixels.detach()), checked_weight(weight, canvas.pixels))
        for canvas, weight in zip(canvases, weights, strict=True)
    ]
    stock = [tokens == canvas.count and not canvas.packs for canvas, tokens in zip(canvases, budgets, strict=True)]
    parties = _parties(rows) if options.share == "prompt" else [[number] for number in range(len(counts))]

    def show(plans: Sequence[Plan]) -> tuple[Inputs, list[Tensor]]:
        return shown(plans, [False] * len(plans))[:2]

    def shown(plans: Sequence[Plan], left: Sequence[bool]) -> tuple[Inputs, list[Tensor], list[Tensor]]:
        return _shown(host, full, groups, canvases, plans, left, options.positions, bias)

    totals = [None if budget is None else sum(budgets[number] or 0 for number in party) for party in parties]
    methods: list[Allocator] = [method] * len(parties)
    if looks_through_model(method):
        planned = [party if not all(stock[number] for number in party) else [] for party in parties]
        methods = looked(host, method, planned, totals, scenes, canvases[0].cell, show)
    with span(PLANNING):
        plans = plans_of(methods, canvases, scenes, totals, stock, parties)
    small, _, kept = shown(plans, stock)
    return small, [canvas.in_source(plan) for canvas, plan in zip(canvases, plans, strict=True)], kept


def canvases_of(model: Any, inputs: Mapping[str, Any], processor: Any) -> tuple[list[list[Run]], list[Canvas]]:
    """Returns the placeholders of each image in the prompts, and what stock sees of it as one canvas.

    Args:
        model: A model of transformers that takes encoded features.
        inputs: What the processor returned, with images.
        processor: The processor, where tiles have to be told apart; None where there is none.

    Raises:
        NotImplementedError: the tower cannot take packed patches.
        ValueError: placeholders that do not match the images.
    """
    return _canvases(Host.of(model, processor), inputs)


def _canvases(host: Host, inputs: Mapping[str, Any]) -> tuple[list[list[Run]], list[Canvas]]:
    groups = host.images(inputs["input_ids"], host.adapter.items(host.model, inputs))
    return groups, host.adapter.canvases(host.model, inputs, groups)


def _parties(rows: Sequence[int]) -> list[list[int]]:
    """The images of each prompt, by number."""
    return [[number for number, other in enumerate(rows) if other == row] for row in dict.fromkeys(rows)]


def _shown(
    host: Host,
    full: Inputs,
    groups: Sequence[Sequence[Run]],
    canvases: Sequence[Canvas],
    plans: Sequence[Plan],
    stock: Sequence[bool],
    positions: str,
    sized: float,
) -> tuple[Inputs, list[Tensor], list[Tensor]]:
    """The inputs in which the images show what their plans say, the boxes of the tokens, and what is left of each."""
    orders = [order_of_plan(canvas, plan) for canvas, plan in zip(canvases, plans, strict=True)]
    pairs = zip(canvases, plans, orders, strict=True)
    cells = [None if whole else _cells(*parts, sized) for parts, whole in zip(pairs, stock, strict=True)]
    encoded = _encoded(host, full, canvases, cells)
    place = stock_positions(host.model, full)
    prompts = Prompts(full["input_ids"], full["attention_mask"], place, host.image_token)
    for group, canvas, order, whole in zip(groups, canvases, orders, stock, strict=True):
        if whole:
            prompts.leave(group)
        else:
            prompts.put(group, canvas, order)
    place = prompts.positions if len(prompts.positions) > 1 else prompts.positions[0]
    changed = {**full, "input_ids": prompts.ids, "position_ids": place}
    out = shorter(host.model, changed, prompts.keep, positions, used=tower_arguments(host.model))
    each = list(encoded.items)
    out[REDUCED] = encoded.take(torch.split(torch.arange(sum(each)), each), torch.split(encoded.rows, each))
    return out, [order.boxes for order in orders], prompts.kept


def _encoded(
    host: Host,
    full: Inputs,
    canvases: Sequence[Canvas],
    cells: Sequence[Cells | None],
) -> Encoded:
    """The features of all images: packed cells, or where there are none (None) what the stock tower makes of them."""
    packed = {number: one for number, one in enumerate(cells) if one is not None}
    if not packed:
        whole = encode(host.model, full)
        return whole.regrouped([canvas.count for canvas in canvases])
    found = host.adapter.encode(host.model, list(packed.values()))
    if len(packed) == len(cells):
        return found
    whole = encode(host.model, full).regrouped([canvas.count for canvas in canvases])
    return whole.replaced(list(packed), found)


def _cells(canvas: Canvas, plan: Plan, order: Order, sized: float) -> Cells:
    patches = gather_patches(canvas.pixels, plan)
    boxes = torch.from_numpy(canvas.boxes(plan))[order.boxes]
    return Cells(patches[order.boxes.to(patches.device)], boxes, canvas.grid, area_bias(boxes, sized))
