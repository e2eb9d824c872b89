"""Features of few tokens painted back to the full grid, and how near they are to those of the full grid."""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

import pyrascope as ps
from pyrascope.signal.resample import resize
from pyrascope.tokens.merge import cell_centres
from weights import PATCH


def paint(plan: ps.Plan, features: Tensor, grid: tuple[int, int]) -> Tensor:
    """Returns features (rows, columns, d) of all cells from those of a plan's tokens (n, d).

    As pixels are painted: each token is interpolated at its level with what is around it, small boxes over large ones.
    """
    in_cells = ps.Plan(plan.boxes / PATCH, plan.levels, plan.scores, grid, 1, plan.method)
    return ps.render(in_cells, features[:, :, None, None]).permute(1, 2, 0)


def enlarge(features: Tensor, grid: tuple[int, int]) -> Tensor:
    """Returns a smaller grid of features (r, c, d) at a larger size, linear: a little better than Lanczos for them."""
    return resize(features.permute(2, 0, 1), grid, "linear").permute(1, 2, 0)


def by_nearest(reduced: ps.reducers.Reduction, grid: tuple[int, int]) -> Tensor:
    """Returns the features of the kept token nearest in space for every cell (rows, columns, d)."""
    cells = cell_centres(grid, reduced.kept.device)
    nearest = torch.cdist(cells, cells[reduced.kept]).argmin(1)
    return reduced.features[nearest].view(*grid, -1)


def by_member(features: Tensor, reducer: ps.reducers.Reducer, budget: int) -> Tensor:
    """Returns, for every cell, the mean of the group that a merging reducer put it in (rows, columns, d).

    Which cells a token holds is read from the means of one-hot rows, merged by the keys of the features.
    """
    grid, flat = (features.shape[0], features.shape[1]), features.flatten(0, 1)
    known = ps.reducers.FeatureContext(grid=grid, keys=flat)
    weights = reducer(torch.eye(len(flat)), budget, known).features
    return (normalize((weights > 0).float(), p=1, dim=0).T @ (weights @ flat)).view_as(features)


def nearness(found: Tensor, truth: Tensor, region: Tensor | None) -> dict[str, float]:
    """Returns mean cosines of features (rows, columns, d) with the true ones.

    "cosine": as they are. "centred": after taking the image's mean true feature from both, so that what all cells
    have in common does not count. "region", "rest": the centred one in the region of interest and outside of it.
    """
    mean = truth.mean((0, 1))
    centred = cosine_similarity(found - mean, truth - mean, dim=-1)
    scores = {"cosine": float(cosine_similarity(found, truth, dim=-1).mean()), "centred": float(centred.mean())}
    if region is not None and region.any() and not region.all():
        scores |= {"region": float(centred[region].mean()), "rest": float(centred[~region].mean())}
    return scores
