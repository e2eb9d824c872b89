"""The dyadic boxes of one or several grids of cells, and how each may be split, as flat arrays.

A box of level (ly, lx) at place (iy, ix) covers the cells [iy 2**ly, (iy + 1) 2**ly) x [ix 2**lx, (ix + 1) 2**lx).
The root is square and covers the grid; where the depth is limited, several roots cover it. Halves that lie wholly
outside the grid are not boxes.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ...signal.ripmap import LevelPair, levels_to_one

Index = NDArray[np.int64]
Grid = tuple[int, int]
ASPECTS = {1: 0, 2: 1, 4: 2}
"""Greatest ratio of a box's sides -> greatest difference of its levels."""

SLACK = 1e-12
"""Share by which a split must be cheaper to be taken: four boxes cost the same, but for rounding, in either order."""


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
        bottoms: Level of the smallest boxes of each grid: mostly 0, single cells.
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
    bottoms: tuple[int, ...]
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
        """Number of the finest boxes of all grids: the largest budget."""
        return sum(level_cells(grid, bottom) for grid, bottom in zip(self.grids, self.bottoms, strict=True))

    @cached_property
    def table(self) -> Index:
        """The blocks and their regular splits as numbers (blocks, 3 + 5 * regular), for compiled code.

        Rows, columns and start of the block; for each split start, rows and columns of the block of the children (-1
        where there is none), and in how many it splits a box along y and x.
        """
        where = {(block.grid, block.level): block for block in self.blocks}
        found = np.full((len(self.blocks), 3 + 5 * self.regular), -1, dtype=np.int64)
        for row, block in zip(found, self.blocks, strict=True):
            row[:3] = block.rows, block.columns, block.start
            for option, step in enumerate(_steps(block.level, quarters=self.regular == 1)):
                if child := where.get((block.grid, (block.level[0] - step[0], block.level[1] - step[1]))):
                    ways = 2 ** step[0], 2 ** step[1]
                    row[3 + 5 * option : 8 + 5 * option] = child.start, child.rows, child.columns, *ways
        return found


@lru_cache(maxsize=16)
def split_tree(
    grids: tuple[Grid, ...],
    aspect: int,
    tops: tuple[int, ...] | None = None,
    bottoms: tuple[int, ...] | None = None,
) -> SplitTree:
    """Returns the boxes whose sides differ by a factor of at most `aspect`, and their splits.

    Aspect 1 means square boxes that split in four; 2:1 boxes are in the tree too, so that the last one or two tokens
    of a budget can be spent (`halvings`).

    Args:
        grids: Rows and columns of cells of each grid.
        aspect: 1, 2 or 4.
        tops: Level of the largest boxes of each grid, at most `top_level`; None: of one root.
        bottoms: Level of the smallest boxes of each grid, at most that of the largest; None: 0, single cells.
    """
    skew = max(ASPECTS[aspect], 1)
    tops = tops or tuple(map(top_level, grids))
    bottoms = bottoms or (0,) * len(grids)
    blocks = _blocks(grids, tops, bottoms, skew)
    where = {(block.grid, block.level): block for block in blocks}
    nodes = blocks[-1].stop
    halvings = np.full((2, 2, nodes), nodes + 1, dtype=np.int64)
    quarters = np.full((1, 4, nodes), nodes + 1, dtype=np.int64)
    for block in blocks:
        run = slice(block.start, block.stop)
        ly, lx = block.level
        for options, steps in ((halvings, _steps(block.level, quarters=False)), (quarters, _steps(block.level, True))):
            for option, step in enumerate(steps):
                if child := where.get((block.grid, (ly - step[0], lx - step[1]))):
                    options[option, :, run] = _children(block, child, nodes)
    splits = halvings
    if aspect == 1:
        splits = np.concatenate([quarters, np.pad(halvings, ((0, 0), (0, 2), (0, 0)), constant_values=nodes)])
    regular = 1 if aspect == 1 else 2
    inside = (splits < nodes).sum(1)
    return SplitTree(
        grids=grids,
        bottoms=bottoms,
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


def level_boxes(grid: Grid, level: LevelPair) -> Grid:
    """Returns rows and columns of the boxes of a level that cover a grid of cells.

    Example:
        >>> level_boxes((3, 5), (1, 2))
        (2, 2)
    """
    return -(-grid[0] // 2 ** level[0]), -(-grid[1] // 2 ** level[1])


def _steps(level: LevelPair, quarters: bool) -> list[LevelPair]:
    """By how many levels the children of a box may be finer: one along its longer side, or along both if square."""
    if quarters:
        return [(1, 1)] if level[0] == level[1] else []
    return [(1, 0), (0, 1)] if level[0] >= level[1] else [(0, 1), (1, 0)]


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
    return level_boxes(grid, (level, level))


def level_cells(grid: Grid, level: int) -> int:
    """Returns the number of square boxes of a level that cover a grid."""
    rows, columns = level_grid(grid, level)
    return rows * columns


def _blocks(grids: tuple[Grid, ...], tops: tuple[int, ...], bottoms: tuple[int, ...], skew: int) -> list[Block]:
    """Every level of every grid from its bottom to its top, sorted by area, then grid, then ly."""
    found = []
    for number, (bottom, top) in enumerate(zip(bottoms, tops, strict=True)):
        for ly in range(bottom, top + 1):
            for lx in range(max(ly - skew, bottom), min(ly + skew, top) + 1):
                found.append((ly + lx, number, ly, lx))
    blocks, start = [], 0
    for _, number, ly, lx in sorted(found):
        blocks.append(Block(number, (ly, lx), *level_boxes(grids[number], (ly, lx)), start))
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
