"""Fewer tokens out of many: some are chosen, or groups of them become their mean."""

import torch
from torch import Tensor

from ..allocation.contracts.reducer import Reduction


def chosen(features: Tensor, picks: Tensor, grid: tuple[int, int] | None = None) -> Reduction:
    """Returns the picked tokens in rising order, as they are.

    Example:
        >>> chosen(torch.tensor([[5.0], [6.0], [7.0]]), torch.tensor([2, 0])).features.flatten()
        tensor([5., 7.])
    """
    kept = picks.to(features.device).sort().values
    sizes = torch.ones(len(kept), dtype=torch.float64, device=features.device)
    where = None if grid is None else cell_centres(grid, features.device)[kept]
    return Reduction(kept, features[kept], sizes, where)


def merged(features: Tensor, target: Tensor, grid: tuple[int, int] | None = None) -> Reduction:
    """Returns one token for each that is its own target: the mean of all whose target it is.

    The mass is conserved: the sum of sizes times features is the sum of the features, to rounding.

    Args:
        features: (n, d).
        target: The token that each one joins, int (n,); a target's target is itself.
        grid: Rows and columns of the cells, if known.

    Example:
        >>> merged(torch.tensor([[5.0], [6.0], [7.0]]), torch.tensor([2, 1, 2])).features.flatten()
        tensor([6., 6.])
    """
    kept, group = torch.unique(target.to(features.device), return_inverse=True)
    sizes = torch.bincount(group, minlength=len(kept)).double()
    means = group_sums(features, group, len(kept)) / sizes[:, None]
    where = None
    if grid is not None:
        where = group_sums(cell_centres(grid, features.device), group, len(kept)) / sizes[:, None]
    return Reduction(kept, means.to(features.dtype), sizes, where)


def group_sums(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Returns the float64 sum of the rows of each group (groups, d)."""
    return values.new_zeros(groups, values.shape[1], dtype=torch.float64).index_add(0, group, values.double())


def cell_centres(grid: tuple[int, int], device: torch.device) -> Tensor:
    """Returns the centres (y, x) of a grid's cells in reading order, float64 (rows * columns, 2)."""
    y, x = (torch.arange(count, dtype=torch.float64, device=device) + 0.5 for count in grid)
    return torch.cartesian_prod(y, x)
