"""The dyadic boxes of one or several grids of cells, and how each may be split, as flat arrays.

A box of level (ly, lx) at place (iy, ix) covers the cells [iy 2**ly, (iy + 1) 2**ly) x [ix 2**lx, (ix + 1) 2**lx).
The root is square and covers the grid; where the depth is limited, several roots cover it. Halves that lie wholly
outside the grid are no boxes.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..signal.ripmap import LevelPair, levels_to_one

Index = NDArray[np.int64]
Grid = tuple[int, int]
ASPECTS = {1: 0, 2: 1, 4: 2}
"""Greatest ratio of a box's sides -> greatest difference of its levels."""


@dataclass(frozen=True)
class Block:
    """All boxes of one level in one grid: `rows * columns` nodes in raster order from node `start`."""

    grid: int
    level: LevelPair
    rows: int
    columns: int
    start: int

    @property
    def stop(self) -> int:
        """The node after the last one."""
        return self.start + self.rows * self.columns


@dataclass(frozen=True)
class SplitTree:
    """Boxes ("nodes") sorted by area, small ones first, with their splits.

    A split is a tuple of children. Two more nodes stand behind the real ones: `outside` (a child that does not exist
    and costs nothing) and `forbidden` (all children of a split that is not allowed).

    Attributes:
        grids: Rows and columns of cells of each grid.
        blocks: The boxes by grid and level, in node order.
        classes: Runs of nodes of equal area, smallest first: children come before their parents.
        splits: int (options, arity, nodes): the ways to split each box, the one along its longer side first. Where
            boxes split in four, two more options halve them; the fourth and third child are then `outside`.
        regular: The first so many options may be taken freely, the others for one or two tokens in all.
        area: int (nodes): ly + lx, the logarithm of the area.
        cost: int (options, nodes): tokens that a split adds; -1 where it is forbidden.
        shrinks: bool (nodes): some regular split has one child only. Such a box reaches needlessly far over the
            border, and is never a token itself.
        roots: The root nodes of the grids: one each, or as many as cover it where its depth is limited.
    """

    grids: tuple[Grid, ...]
    blocks: tuple[Block, ...]
    classes: tuple[slice, ...]
    splits: Index
    regular: int
    area: Index
    cost: Index
    shrinks: NDArray[np.bool_]
    roots: Index

    @property
    def nodes(self) -> int:
        """Number of boxes."""
        return self.blocks[-1].stop

    @property
    def outside(self) -> int:
        """The child that does not exist."""
        return self.nodes

    @property
    def forbidden(self) -> int:
        """The child of a split that is not allowed."""
        return self.nodes + 1

    @property
    def capacity(self) -> int:
        """Number of cells of all grids: the largest budget."""
        return sum(rows * columns for rows, columns in self.grids)


@lru_cache(maxsize=16)
def split_tree(grids: tuple[Grid, ...], aspect: int, tops: tuple[int, ...] | None = None) -> SplitTree:
    """Returns the boxes whose sides differ by a factor of at most `aspect`, and their splits.

    Aspect 1 means square boxes that split in four; 2:1 boxes are in the tree too, so that the last one or two tokens
    of a budget can be spent (`halvings`).

    Args:
        grids: Rows and columns of cells of each grid.
        aspect: 1, 2 or 4.
        tops: Level of the largest boxes of each grid, at most `top_level`; None: of one root.
    """
    skew = max(ASPECTS[aspect], 1)
    tops = tops or tuple(map(top_level, grids))
    blocks = _blocks(grids, tops, skew)
    where = {(block.grid, block.level): block for block in blocks}
    nodes = blocks[-1].stop
    halvings = np.full((2, 2, nodes), nodes + 1, dtype=np.int64)
    quarters = np.full((1, 4, nodes), nodes + 1, dtype=np.int64)
    for block in blocks:
        run = slice(block.start, block.stop)
        ly, lx = block.level
        finer = [(ly - 1, lx), (ly, lx - 1)]
        for option, level in enumerate(finer if ly >= lx else finer[::-1]):
            if child := where.get((block.grid, level)):
                halvings[option, :, run] = _children(block, child, nodes)
        if ly == lx and (child := where.get((block.grid, (ly - 1, lx - 1)))):
            quarters[0, :, run] = _children(block, child, nodes)
    splits = halvings
    if aspect == 1:
        splits = np.concatenate([quarters, np.pad(halvings, ((0, 0), (0, 2), (0, 0)), constant_values=nodes)])
    regular = 1 if aspect == 1 else 2
    inside = (splits < nodes).sum(1)
    return SplitTree(
        grids=grids,
        blocks=tuple(blocks),
        classes=_classes(blocks),
        splits=splits,
        regular=regular,
        area=np.concatenate([np.full(block.stop - block.start, sum(block.level)) for block in blocks]),
        cost=inside - 1,
        shrinks=(inside[:regular] == 1).any(0),
        roots=np.concatenate(
            [np.arange(block.start, block.stop) for block in blocks if block.level == (tops[block.grid],) * 2]
        ),
    )


def top_level(grid: Grid) -> int:
    """Returns the level of the square box that covers a grid.

    Example:
        >>> top_level((3, 5))
        3
    """
    return max(map(levels_to_one, grid))


def level_grid(grid: Grid, level: int) -> Grid:
    """Returns rows and columns of the square boxes of a level that cover a grid.

    Example:
        >>> level_grid((3, 5), 1)
        (2, 3)
    """
    return -(-grid[0] // 2**level), -(-grid[1] // 2**level)


def level_cells(grid: Grid, level: int) -> int:
    """Returns the number of square boxes of a level that cover a grid."""
    rows, columns = level_grid(grid, level)
    return rows * columns


def _blocks(grids: tuple[Grid, ...], tops: tuple[int, ...], skew: int) -> list[Block]:
    """Every level of every grid up to its top, sorted by area, then grid, then ly."""
    found = []
    for number, top in enumerate(tops):
        for ly in range(top + 1):
            for lx in range(max(ly - skew, 0), min(ly + skew, top) + 1):
                found.append((ly + lx, number, ly, lx))
    blocks, start = [], 0
    for _, number, ly, lx in sorted(found):
        height, width = grids[number]
        blocks.append(Block(number, (ly, lx), -(-height // 2**ly), -(-width // 2**lx), start))
        start = blocks[-1].stop
    return blocks


def _children(parent: Block, child: Block, outside: int) -> Index:
    """Children nodes (arity, nodes of `parent`) when it splits into boxes of the level of `child`."""
    ny, nx = (2 ** (p - c) for p, c in zip(parent.level, child.level, strict=True))
    y = np.arange(parent.rows)[None, :, None] * ny + np.arange(ny).repeat(nx)[:, None, None]
    x = np.arange(parent.columns)[None, None, :] * nx + np.tile(np.arange(nx), ny)[:, None, None]
    node = np.where((y < child.rows) & (x < child.columns), child.start + y * child.columns + x, outside)
    return node.reshape(ny * nx, -1)


def _classes(blocks: list[Block]) -> tuple[slice, ...]:
    ends: dict[int, list[int]] = defaultdict(list)
    for block in blocks:
        ends[sum(block.level)] += [block.start, block.stop]
    return tuple(slice(min(run), max(run)) for _, run in sorted(ends.items()))
