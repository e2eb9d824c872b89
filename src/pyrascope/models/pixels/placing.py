"""Where the tokens of a plan go in a prompt: their order, the columns that they take over, and their positions."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ...allocation.plan import Plan
from ..families.parts.canvas import Canvas
from ..families.parts.tower import visible_centres
from ..prompts.placement import Order, by_centre, with_centres
from ..stock.placeholders import Run


def order_of_plan(canvas: Canvas, plan: Plan) -> Order:
    """Returns the order of a plan's tokens."""
    return by_centre(visible_centres(torch.from_numpy(canvas.boxes(plan)), canvas.grid), canvas.tokens)


def columns_near(token: Tensor, count: int) -> Tensor:
    """Returns which of an image's `count` placeholders each token takes: rising, near the stock token it stands for.

    Args:
        token: The stock token of each, rising, int64 (n,), n at most `count`; several may have the same.
        count: Placeholders of the image.

    >>> columns_near(torch.tensor([0, 0, 5, 7, 7]), 8)
    tensor([0, 1, 5, 6, 7])
    """
    number = torch.arange(len(token))
    apart = (token - number).cummax(0).values + number
    return apart.minimum(number + count - len(token))


def undivided(group: Sequence[Run], taken: Tensor) -> list[int]:
    """Returns the columns between the runs of an image that no longer divide two runs with tokens.

    Args:
        group: The runs.
        taken: Which placeholders of the image have tokens, int64 (n,), rising.

    >>> undivided([Run(0, 2, 5), Run(0, 6, 9), Run(0, 10, 13)], torch.tensor([1, 2, 7]))
    [9]
    """
    run = torch.arange(len(group)).repeat_interleave(torch.tensor([len(one.columns) for one in group]))
    stays = set(run[taken].tolist())
    ends = enumerate(pairwise(group))
    return [
        column
        for number, (one, other) in ends
        if number not in stays or number == max(stays)
        for column in range(one.end, other.start)
    ]


class Prompts:
    """A batch of prompts whose images are being replaced by plans.

    Attributes:
        ids: Token ids (b, s).
        keep: Which columns stay, bool (b, s).
        positions: Stock positions, (1 or 3, b, s), those of the tokens of plans written over.
        kept: Which of its placeholders each image has kept so far, int64, rising.
    """

    def __init__(self, ids: Tensor, mask: Tensor, positions: Tensor, image_token: int) -> None:
        """Starts with all that is not an image."""
        self.ids = ids.clone()
        self.keep = mask.bool() & (ids != image_token)
        self.positions = positions.clone()
        self.kept: list[Tensor] = []

    def leave(self, group: Sequence[Run]) -> None:
        """Leaves an image as it is."""
        for run in group:
            self.keep[run.row, run.start : run.end] = True
        self.kept.append(torch.arange(sum(len(run.columns) for run in group)))

    def put(self, group: Sequence[Run], canvas: Canvas, order: Order) -> None:
        """Puts the tokens of a plan in an image's place.

        Of tokens that stand between the rows of an image (Pixtral, Mistral3) those stay that still divide two rows.
        Where stock sees the image in several views, the tokens between them leave with them, and what stands before
        the last view, such as the token of a global view, stands before the tokens of the plan.
        """
        row, first, last = group[0].row, group[0].start, group[-1].start
        columns = torch.tensor([column for run in group for column in run.columns], device=self.ids.device)
        if canvas.views > 1 and len(group) > 1:
            self.keep[row, first : group[-1].end] = False
            if first > 0:
                self.ids[row, first - 1] = self.ids[row, last - 1]
        taken = columns_near(order.token, canvas.count)
        self.kept.append(taken)
        mine = columns[taken.to(columns.device)]
        self.keep[row, mine] = True
        if canvas.views == 1:
            self.keep[row, undivided(group, taken)] = False
        self.positions = with_centres(self.positions, row, columns, mine, order)
