"""Where tokens that were merged stand in the prompt: at their centre."""

import numpy as np
import torch
from torch import Tensor


def by_centre(centres: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Returns the order of tokens, and the stock cell of each in that order: by the cell that holds the centre.

    Args:
        centres: (y, x) in cells, float (n, 2): the centre of cell i is i + 0.5.
        grid: Rows and columns of the cells.

    Returns:
        int64 (n,) twice. Within a cell, tokens go by y, then x.

    >>> by_centre(torch.tensor([[0.5, 2.5], [0.5, 1.2], [0.5, 1.0]]), (1, 3))
    (tensor([2, 1, 0]), tensor([1, 1, 2]))
    """
    y, x = centres.detach().cpu().T
    cell = y.long().clamp(0, grid[0] - 1) * grid[1] + x.long().clamp(0, grid[1] - 1)
    order = torch.from_numpy(np.lexsort((x.numpy(), y.numpy(), cell.numpy())))
    return order, cell[order]


def at_centres(stock: Tensor, cells: Tensor, centres: Tensor, columns: int) -> Tensor:
    """Returns the positions (1 or 3, n) of tokens at their centres.

    Args:
        stock: Positions of all cells of the image, (1, cells), or (3, cells) under M-RoPE.
        cells: The cell that holds the centre of each token, int64 (n,).
        centres: (y, x) in cells (n, 2).
        columns: Cells a row.

    Returns:
        The position of the cell; under M-RoPE row and column go on within it, float32 where they are no whole numbers.
    """
    cells, found = cells.to(stock.device), stock[:, cells.to(stock.device)]
    if len(stock) == 1:
        return found
    middle = torch.stack([cells // columns, cells % columns], 1) + 0.5
    shift = (centres.to(middle) - middle).T
    return found + torch.cat([shift.new_zeros(1, len(cells)), shift]) if bool(shift.any()) else found
