"""How the rows of `frozen_encoder.py` are made: what B tokens of a kind say about every cell of the full grid."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

import pyrascope as ps
from layouts import best_cells, best_window, coarse_level, detail, octave_below, only_levels, view_and_cells
from photos import Photo
from pyrascope.allocation.budgets.selection import top_k
from pyrascope.allocation.contracts.allocator import Allocator
from pyrascope.allocation.grids.levels import level_grids
from pyrascope.allocation.tree.distortion import BoxSums, box_sums
from pyrascope.methods.resize import resize_grid
from pyrascope.signal.resample import resize
from pyrascope.tokens.merge import chosen
from scores import by_member, by_nearest, enlarge, paint
from tower import Position, Tower
from weights import PATCH

ELSEWHERE = 0.02
"""Weight of what is not the true region, where a plan is told that region."""


@dataclass(frozen=True, eq=False)
class Job:
    """One photograph at one budget.

    Attributes:
        tower: The frozen encoder.
        photo: The photograph.
        budget: Tokens: as many as the plain resize has.
        truth: Features (rows, columns, d) of the full grid.
        attention: What each cell receives in the last layer (cells,).
        whole: Features of the whole image at each square level, made when needed; 0 is the truth.
    """

    tower: Tower
    photo: Photo
    budget: int
    truth: Tensor
    attention: Tensor
    whole: dict[int, Tensor] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.photo.image.shape[1], self.photo.image.shape[2]

    def level(self, level: int) -> Tensor:
        """Returns the features (r, c, d) of the whole image at a level, encoded on its own."""
        if level not in self.whole:
            grid = level_grids(self.size, PATCH)[level]
            self.whole[level] = self.truth if level == 0 else self.tower.of_grid(self.photo.image, grid)
        return self.whole[level]

    def encoded(self, plan: ps.Plan, position: Position = "centre", sized: float = 0) -> Tensor:
        """Returns the painted features of a plan's tokens in one pass."""
        return paint(plan, self.tower.of_plan(self.photo.image, plan, position, sized), self.photo.grid)


Row = Callable[[Job], Tensor | None]
"""Features (rows, columns, d) of all cells; None where the photograph has no true region and the row needs one."""
Planner = Callable[[Job], ps.Plan | None]


def resized(job: Job, filter: str) -> Tensor:
    """A plain resize."""
    small = job.tower.of_grid(job.photo.image, resize_grid(job.size, job.budget, PATCH), filter)
    return enlarge(small, job.photo.grid)


def by_plan(planner: Planner, position: Position = "centre", sized: float = 0) -> Row:
    """The tokens of a plan in one pass."""

    def row(job: Job) -> Tensor | None:
        plan = planner(job)
        return None if plan is None else job.encoded(plan, position, sized)

    return row


def method(job: Job, method: Allocator) -> ps.Plan:
    """A method's plan."""
    return ps.plan(job.photo.image, job.budget, method, PATCH)


def two_levels(job: Job, native: bool) -> ps.Plan:
    """The coarsest grid that fits, and the next finer level or native cells where they show more."""
    coarse = coarse_level(job.photo, job.budget)
    return only_levels(job.photo, job.budget, {coarse, 0 if native else coarse - 1})


def limited(job: Job) -> ps.Plan:
    """All levels from the coarsest grid that fits."""
    return only_levels(job.photo, job.budget, range(coarse_level(job.photo, job.budget) + 1))


def with_view(
    share: float,
    position: Position = "centre",
    sized: float = 0,
    scattered: bool = False,
    told: bool = False,
    octave: bool = False,
) -> Row:
    """A coarse view with so much of the budget, and native cells: a crop where the view loses most, or scattered.

    `told` puts the crop on the true region, `octave` takes cells half as large as the view's and not native ones. The
    view is enlarged as a resize is, the other cells lie over it.
    """

    def row(job: Job) -> Tensor | None:
        region = job.photo.region
        if told and (region is None or not region.any()):
            return None
        view = resize_grid(job.size, round(job.budget * share), PATCH)
        level, coarse = octave_below(job.photo, view) if octave else 0, view[0] * view[1]
        worth = region.double() if told and region is not None else detail(job.photo, view)
        worth = torch.from_numpy(box_sums(worth, (2**level, 2**level)))
        cells = (best_cells if scattered else best_window)(worth, job.budget - coarse)
        plan = view_and_cells(job.photo, view, cells, level)
        tokens = job.tower.of_plan(job.photo.image, plan, position, sized)
        out = enlarge(tokens[:coarse].view(*view, -1), job.photo.grid)
        for (y0, x0, y1, x1), token in zip((plan.boxes[coarse:] / PATCH).astype(int), tokens[coarse:], strict=True):
            out[y0:y1, x0:x1] = token
        return out

    return row


def told(job: Job, kind: str) -> ps.Plan | None:
    """A plan that is told the true region: foveated at its fullest place, or weighted by it."""
    region = job.photo.region
    if region is None or not region.any():
        return None
    if kind == "foveated":
        window = best_window(region.double(), int(region.sum()))
        y, x = ((window.nonzero().double().mean(0) + 0.5) * PATCH).tolist()
        context = ps.Context(fixation=(y, x))
        return ps.plan(job.photo.image, job.budget, ps.methods.Foveated(), PATCH, context=context)
    weight = torch.where(region, 1.0, ELSEWHERE).double()
    if kind == "any levels":
        return ps.plan(job.photo.image, job.budget, ps.methods.RateDistortion(aspect=1), PATCH, weight)
    coarse = coarse_level(job.photo, job.budget)
    levels = range(coarse + 1) if kind == "levels limited" else (coarse, coarse - 1)
    return only_levels(job.photo, job.budget, levels, weight=weight)


def rooted(job: Job, power: float) -> ps.Plan:
    """Square boxes by the error of pixels to a power, cell by cell: strong contrast counts less than in squares."""
    top = coarse_level(job.photo, job.budget)
    errors = {(0, 0): np.zeros(job.photo.grid)}
    for level, grid in list(enumerate(level_grids(job.size, PATCH)))[1 : top + 1]:
        lost = detail(job.photo, grid).clamp(min=0) ** power
        errors[level, level] = box_sums(lost, (2**level, 2**level))
    return only_levels(job.photo, job.budget, range(top + 1), errors)


def feature_errors(job: Job, finest: int, top: int) -> BoxSums:
    """What each square box loses in features: 1 - cosine between its level and level `finest`, summed over cells.

    Where level 0 is not known, the next octave is taken to lose half as much again as the one that is.
    """
    truth = enlarge(job.level(finest), job.photo.grid) if finest else job.truth
    lost = {0: torch.zeros(job.photo.grid)}
    for level in range(max(finest, 1), top + 1):
        shown = enlarge(job.level(level), job.photo.grid)
        lost[level] = 1 - torch.cosine_similarity(shown, truth, dim=-1)
    if finest:
        guess = lost[finest + 1] / 2
        lost = {level: value + guess if level else value for level, value in lost.items()}
    return {(level, level): box_sums(value, (2**level, 2**level)) for level, value in lost.items()}


def feature_gain(job: Job, look: bool) -> ps.Plan:
    """Square boxes split where features change most; `look`: as two coarse levels tell, and not all of them."""
    top = max(coarse_level(job.photo, job.budget), 2 if look else 1)
    finest = top - 1 if look else 0
    errors = feature_errors(job, finest, top)
    levels = range(top + 1)
    if look and finest > 1:
        errors |= {(k, k): np.zeros_like(box_sums(job.truth[..., 0], (2**k, 2**k))) for k in range(finest)}
    return only_levels(job.photo, job.budget, levels, errors)


def levels_whole(job: Job) -> Tensor:
    """Each level encoded whole, the plan takes the cells of its boxes from them (2:1 boxes: from the finer level)."""
    plan = limited(job)
    tokens = []
    for (y0, x0, _, _), level in zip(plan.boxes, plan.levels, strict=True):
        fine = int(level.min())
        tokens.append(job.level(fine)[int(y0) // (PATCH << fine), int(x0) // (PATCH << fine)])
    return paint(plan, torch.stack(tokens), job.photo.grid)


def selected(job: Job, kind: str) -> Tensor:
    """Tokens selected or merged after the encoder has seen the full grid."""
    flat, grid = job.truth.flatten(0, 1), job.photo.grid
    if kind == "top-k attention":
        return by_nearest(chosen(flat, top_k(job.attention, job.budget)), grid)
    if kind == "DivPrune":
        return by_nearest(ps.reducers.DivPrune()(flat, job.budget), grid)
    if kind == "ToMe":
        return by_member(job.truth, ps.reducers.ToMe(), job.budget)
    small = resize(job.truth.permute(2, 0, 1), resize_grid(job.size, job.budget, PATCH), "linear")
    return enlarge(small.permute(1, 2, 0), grid)
