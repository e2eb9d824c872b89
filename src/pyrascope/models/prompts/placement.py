"""Tokens that stand for more or less than one stock cell: their order, and their positions, at their centre."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Order:
    """The tokens of an image in the order in which the model reads them.

    Attributes:
        boxes: Indices of the tokens as they were given, int64 (n,): by the stock token of the cell that holds a token's
            centre, then by y and x of the centre. So tokens of one cell each have the stock order.
        token: That stock token of each, counted among the image's placeholders.
        shift: float64 (n, 2): how far (y, x) each centre lies from the middle of that cell, in cells.
    """

    boxes: Tensor
    token: Tensor
    shift: Tensor


def by_centre(centres: Tensor, tokens: Tensor) -> Order:
    """Returns the order of tokens by their centres.

    Args:
        centres: (y, x) in cells, float64 (n, 2): the centre of cell i is i + 0.5.
        tokens: The stock token of each cell, int64 (rows, columns).

    >>> by_centre(torch.tensor([[0.5, 2.5], [0.5, 1.2], [0.5, 1.0]]), torch.arange(3)[None]).boxes
    tensor([2, 1, 0])
    """
    where = centres.detach().cpu().double()
    held = where.long().clamp(min=0).minimum(torch.tensor(tokens.shape) - 1)
    token = tokens[held[:, 0], held[:, 1]]
    order = torch.from_numpy(np.lexsort((where[:, 1].numpy(), where[:, 0].numpy(), token.numpy())))
    return Order(order, token[order], (where - 0.5 - held)[order])


def with_centres(positions: Tensor, row: int, columns: Tensor, mine: Tensor, order: Order) -> Tensor:
    """Returns the positions of a batch with those of an image's tokens written over.

    A token gets the position of the stock token of its cell; under M-RoPE rows and columns go on within the cell, and
    the positions are float32 where they are not whole numbers.

    Args:
        positions: Of all tokens, (1, b, s), or (3, b, s) under M-RoPE.
        row: The prompt.
        columns: The columns of all of the image's placeholders.
        mine: Those that its tokens take, (n,).
        order: The tokens.
    """
    stock = positions[:, row, columns[order.token.to(columns.device)]]
    if len(stock) > 1 and bool(order.shift.any()):  # time, y, x
        stock = stock + torch.nn.functional.pad(order.shift.T, (0, 0, 1, 0)).to(stock.device, torch.float32)
    out = positions.to(torch.promote_types(positions.dtype, stock.dtype), copy=True)
    out[:, row, mine] = stock
    return out
