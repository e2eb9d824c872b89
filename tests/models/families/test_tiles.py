"""Tiles put together again: a picture cut up comes back. (What processors cut is in test_regions.)"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from pyrascope.models.families.parts.tiles import arrangement, laid_out, tiled, views_of
from pyrascope.models.stock.placeholders import Run

SHAPES = [(1, 2), (2, 1), (3, 1), (1, 3), (2, 2), (2, 3), (3, 2), (4, 4), (1, 6), (5, 2), (1, 1)]


def picture(rows, columns, side, seed):
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 3 * rows, 3 * columns, generator=random)
    return torch.nn.functional.interpolate(coarse, (rows * side, columns * side), mode="bicubic")[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_the_arrangement_is_found_by_the_global_view(shape, seed):
    rows, columns = shape
    whole = picture(rows, columns, 32, seed)
    cut = whole.unfold(1, 32, 32).unfold(2, 32, 32).permute(1, 2, 0, 3, 4).reshape(-1, 3, 32, 32)
    view = torch.nn.functional.interpolate(whole[None], (32, 32), mode="bilinear", antialias=True)[0]
    assert arrangement(cut, view) == shape
    torch.testing.assert_close(laid_out(cut, *shape), whole, atol=0, rtol=0)
    canvas = tiled(torch.cat([cut, view[None]]), 8)
    assert canvas.grid == (rows * 4, columns * 4)
    assert canvas.count == (rows * columns + 1) * 16


@given(rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_each_cell_knows_the_token_that_shows_it(rows, columns):
    """Every token's own tile painted in its number, and read back cell by cell."""
    whole = picture(rows, columns, 16, 0)
    cut = whole.unfold(1, 16, 16).unfold(2, 16, 16).permute(1, 2, 0, 3, 4).reshape(-1, 3, 16, 16)
    view = torch.nn.functional.interpolate(whole[None], (16, 16), mode="bilinear", antialias=True)[0]
    canvas = tiled(torch.cat([cut, view[None]]), 8)
    for y in range(canvas.grid[0]):
        for x in range(canvas.grid[1]):
            token = int(canvas.tokens[y, x])
            tile, inside = divmod(token, 4)
            top, left = (side * 8 for side in divmod(inside, 2))
            shown = cut[tile, :, top : top + 8, left : left + 8]
            assert torch.equal(shown, canvas.pixels[:, y * 8 : y * 8 + 8, x * 8 : x * 8 + 8])
    assert len(canvas.tokens.unique()) == canvas.tokens.numel()


def test_a_blank_page_is_laid_out_square():
    assert arrangement(torch.zeros(12, 1, 8, 8), torch.zeros(1, 8, 8)) in ((3, 4), (4, 3))


def test_one_view_is_itself():
    canvas = tiled(torch.rand(1, 3, 16, 24), 8)
    assert canvas.packs
    assert canvas.tokens.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_part_of_a_view_is_refused():
    assert views_of([[Run(0, 1, 9)], [Run(0, 10, 14)]], 4) == [2, 1]
    with pytest.raises(ValueError, match="4 placeholders a view, got one with 6"):
        views_of([[Run(0, 1, 7)]], 4)
