"""Tiles that do not divide the view: which tile shows each token of the whole image."""

from pyrascope.allocation.contracts.tiles import Tiles


def test_a_token_is_shown_by_the_tile_that_its_centre_lies_in():
    tiles = Tiles(2, 3, (3, 4))
    assert tiles.shown_by().reshape(3, 4).tolist() == [[0, 1, 1, 2], [3, 4, 4, 5], [3, 4, 4, 5]]
    assert tiles.tokens == 7 * 12
    assert tiles.numbers().bincount().tolist() == [12] * 7
