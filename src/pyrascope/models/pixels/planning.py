"""Running a method of the pixels site on canvases, held to its contract."""

from collections.abc import Sequence

import torch

from ..._check import shorten, whole_number
from ...allocation.contracts.allocator import Allocator, Scene
from ...allocation.plan import Plan
from ...methods import Resize, TwoLevels, Uniform
from ..families.parts.canvas import Canvas

DEFAULT = TwoLevels()
"""The method where none is given: told nothing, a frozen encoder kept as much of it as of a resize."""


def plans_of(
    methods: Sequence[Allocator],
    canvases: Sequence[Canvas],
    scenes: Sequence[Scene],
    totals: Sequence[int | None],
    stock: Sequence[bool],
    parties: Sequence[Sequence[int]],
) -> list[Plan]:
    """One plan a canvas; the images of a party share its total."""
    out: dict[int, Plan] = {}
    for method, total, mine in zip(methods, totals, parties, strict=True):
        if all(stock[number] for number in mine):
            for number in mine:
                rows, columns = canvases[number].fine_grid
                out[number] = Uniform()([scenes[number]], rows * columns, canvases[number].cell)[0]
            continue
        found = _planned(method, [canvases[number] for number in mine], [scenes[number] for number in mine], total)
        out.update(zip(mine, found, strict=True))
    return [out[number] for number in range(len(canvases))]


@torch.no_grad()
def _planned(method: Allocator, canvases: Sequence[Canvas], scenes: Sequence[Scene], total: int | None) -> list[Plan]:
    """Runs the method and holds it to its contract."""
    cells = sum(rows * columns for rows, columns in (canvas.fine_grid for canvas in canvases))
    if total is not None:
        full = sum(canvas.count for canvas in canvases)
        hint = f"plans have {cells} cells at their finest level, and stock spends {full} tokens"
        whole_number(total, "budget", len(canvases), cells, hint=hint)
    plans = method(scenes, total, canvases[0].cell)
    tokens = sum(plan.tokens for plan in plans)
    sizes = [(plan.image_size, plan.cell) for plan in plans]
    fewer = isinstance(method, Resize) and total is not None and tokens < total  # as it says of itself
    wrong = total is not None and tokens != total and not fewer
    if wrong or sizes != [(scene.size, canvases[0].cell) for scene in scenes]:
        raise ValueError(
            f"a method must return one plan an image with {total} tokens in all, got {tokens} tokens in {len(plans)} "
            f"plans from {shorten(method)}; this is a bug in the method"
        )
    for canvas, plan in zip(canvases, plans, strict=True):
        whole_number(plan.tokens, "tokens of a plan", 1, canvas.count, hint="as many as stock spends on the image")
    return plans
