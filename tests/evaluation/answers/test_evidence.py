"""Where evidence lies and tokens fall, on a picture three times as wide as high, by hand."""

import numpy as np

import pyrascope as ps
from pyrascope.evaluation.answers.evidence import heat, ninths, place_of
from pyrascope.evaluation.pictures.density import token_density
from tolerances import near

SIZE = (30, 90)


def test_ninths_are_counted_in_reading_order():
    assert place_of([(0, 65, 5, 70)], SIZE) == 2
    assert place_of([(25, 0, 29, 5)], SIZE) == 6
    assert place_of([(12, 85, 15, 90)], SIZE) == 5
    assert place_of([(0, 0, 20, 30)], SIZE) is None  # larger than a ninth
    assert place_of([(0, 0, 5, 5), (9, 9, 12, 12)], SIZE) is None


def test_tokens_are_shared_among_the_ninths_that_they_show():
    plan = ps.Plan([[0, 60, 10, 90], [0, 15, 20, 45], [0, 0, 30, 90]], [[0, 0]] * 3, [0] * 3, SIZE, 16, "by hand")
    first, second, whole = np.zeros(9), np.zeros(9), np.full(9, 1 / 9)
    first[2] = 1
    second[[0, 1, 3, 4]] = 0.25
    near(np.array(ninths(plan)), (first + second + whole) / 3)


def test_heat_is_the_share_of_each_cell_in_the_evidence():
    found = heat([(8, 40, 24, 56)], SIZE, 16)
    expected = np.zeros((2, 6))
    expected[:, 2:4] = 8 * 8 / 256  # each of four cells holds a quarter
    near(found, expected)


def test_density_sums_to_the_tokens_and_lies_where_they_do():
    plan = ps.Plan([[0, 60, 10, 90], [10, 0, 30, 80]], [[0, 0]] * 2, [0] * 2, SIZE, 16, "by hand")
    found = token_density(plan)
    assert found.shape == SIZE
    near(found[:10, 60:], np.full((10, 30), 1 / 300))
    near(found[10:, :80], np.full((20, 80), 1 / 1600))
    near(found.sum(), 2.0)
