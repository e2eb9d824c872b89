"""What hangs on the built-in model beside its answer: what each token shows, and where a question looks."""

import torch
from torch import Tensor, nn

from ..world.vocabulary import CHARACTERS, COLORS, CORNERS, LEANS, POINTS, PRINTS, SHAPES
from .architecture import CELL

SIZES = 6
"""Classes of a thing's area, each half an octave, from 2000 square pixels."""
KINDS = {
    "color": len(COLORS), "shape": len(SHAPES), "tens": 10, "units": 10, "character": len(CHARACTERS),
    "turn": len(LEANS) + len(POINTS), "word": len(PRINTS), "size": SIZES, "center": 1,
    "corner": len(CORNERS),
}  # fmt: skip
"""What a token is asked, and how many answers there are: colour, shape, size of the object at its centre, tens and
units of the number or the word that it shows a part of, the character under it, the turn of a grating or a dial,
whether it holds the centre of an object, and in which quarter of it it lies, in the order of `CORNERS`. One more class
of each stands for none."""
CLASSES = tuple(KINDS.values())
COLUMNS = {name: column for column, name in enumerate(KINDS)}
LOOK_WIDTH = 64
FRAME_SIDE = 16
"""Rows, and columns, of the frame that a named thing is placed in."""


class Heads(nn.Module):
    """Linear heads.

    `dense` and `spot` (its own row and column) are on each of the tower's features; `query` and `mention` on words,
    with `key` on what is shown; `place` on words that name a thing: its row, its column, its size; `both` on the last
    word of a question: these of both things that it names.
    """

    def __init__(self, width: int, *, pixels: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dense = nn.Linear(width, sum(CLASSES) + len(CLASSES))
        self.query, self.key = nn.Linear(width, LOOK_WIDTH), nn.Linear(width, LOOK_WIDTH)
        self.mention = nn.Linear(width, LOOK_WIDTH)
        self.nowhere = nn.Parameter(torch.zeros(LOOK_WIDTH))
        self.shown = nn.LayerNorm(width)
        self.place = nn.Linear(width, 2 * FRAME_SIDE + SIZES)
        self.spot = nn.Linear(width, 2 * FRAME_SIDE)
        self.both = nn.Linear(width, 2 * (2 * FRAME_SIDE + SIZES))
        self.pixels = nn.Linear(width, 3 * CELL * CELL) if pixels else None

    def look(self, states: Tensor, shown: Tensor, last: Tensor) -> Tensor:
        """Returns the scores (b, q, n) of the visual tokens `shown` for the last token (b, q) of each question."""
        asked = torch.take_along_dim(states, last[..., None, None], 2)[:, :, 0]
        scores: Tensor = self.query(asked) @ self.key(self.shown(shown)).transpose(1, 2)
        return torch.div(scores, LOOK_WIDTH**0.5)

    def mentioned(self, states: Tensor, shown: Tensor) -> Tensor:
        """Returns the scores (b, m, n + 1) of the visual tokens for words (b, m, d) that name a thing; last: none."""
        keys = self.key(self.shown(shown))
        keys = torch.cat([keys, self.nowhere.to(keys.dtype).expand(len(keys), 1, -1)], 1)
        scores: Tensor = self.mention(states) @ keys.transpose(1, 2)
        return torch.div(scores, LOOK_WIDTH**0.5)
