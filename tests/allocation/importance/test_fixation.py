import math

import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.importance import Fixation
from pyrascope.allocation.importance.fixation import (
    E0_DEGREES,
    M0_MILLIMETRES,
    areal_magnification,
    eccentricity,
    fixations,
    level,
    magnification,
    scan,
)
from tolerances import near


def points(*pairs):
    return torch.tensor(pairs, dtype=torch.float64)


def test_human_constants():
    """Horton & Hoyt: 23 mm per degree in the fovea, half of it at 0.75 degrees, 1.6 mm at 10."""
    degrees = points(0.0, 0.75, 10.0)
    found = magnification(degrees, E0_DEGREES, M0_MILLIMETRES)
    near(found, points(17.3 / 0.75, 17.3 / 1.5, 17.3 / 10.75), "step")
    near(areal_magnification(degrees, 0.75, 17.3), found**2, "step")


def test_level_follows_from_m():
    degrees = torch.linspace(0, 40, 50, dtype=torch.float64)
    peak = magnification(torch.tensor(0.0, dtype=torch.float64), 0.75)
    near(level(degrees, 0.75), torch.log2(peak / magnification(degrees, 0.75)))


def test_eccentricity_by_brute_force():
    size, cell, where = (40, 50), 16, [(3.0, 4.0), (39.0, 20.5)]
    found = eccentricity(size, cell, points(*where))
    assert found.shape == (3, 4)
    for row in range(3):
        for column in range(4):
            y = (row * 16 + min(row * 16 + 16, 40)) / 2
            x = (column * 16 + min(column * 16 + 16, 50)) / 2
            expected = min(math.dist((y, x), point) for point in where)
            near(float(found[row, column]), expected, "step")


def test_map_is_m_squared_around_the_fixation():
    scene = Scene(torch.zeros(1, 64, 96), context=Context(fixation=(8.0, 88.0)))
    found = Fixation(e0=20.0, pixels_per_degree=1.0)(scene, 16)
    assert divmod(int(found.argmax()), 6) == (0, 5)
    near(float(found[0, 0] / found[0, 5]), (20 / (80 + 20)) ** 2, "step")
    linear = Fixation(e0=20.0, pixels_per_degree=1.0, power=1)(scene, 16)
    near(float(linear[0, 0] / linear[0, 5]), 20 / 100, "step")


def test_degrees_are_pixels_over_pixels_per_degree():
    scene = Scene(torch.zeros(1, 64, 96), context=Context(fixation=(8.0, 88.0)))
    in_degrees = Fixation(e0=0.5, pixels_per_degree=40.0)(scene, 16)
    near(in_degrees, Fixation(e0=20.0, pixels_per_degree=1.0)(scene, 16), "step")


def test_the_nearest_of_several_fixations_counts():
    image = torch.zeros(1, 64, 64)
    one = Fixation()
    pair, left, right = (
        one(Scene(image, context=Context(fixation=where)), 16)
        for where in ([(8.0, 8.0), (56.0, 56.0)], (8.0, 8.0), (56.0, 56.0))
    )
    both = torch.maximum(left / left.max(), right / right.max())
    near(pair, both / both.mean(), "step")


def test_scan_inhibits_return():
    values = torch.zeros(6, 6, dtype=torch.float64)
    values[1, 1], values[1, 2], values[4, 5] = 3.0, 2.9, 1.0
    found = scan(values, (96, 96), 16, count=5, radius=20.0)
    near(found, points((24.0, 24.0), (72.0, 88.0)), "step")  # the neighbour is inhibited, then nothing is left
    near(scan(values, (96, 96), 16, count=3, radius=1.0)[1], points(24.0, 40.0), "step")


@pytest.mark.parametrize("size", [(1, 1), (48, 80), (80, 48)])
def test_a_flat_map_is_looked_at_in_its_middle(size):
    rows, columns = (-(-n // 16) for n in size)
    found = scan(torch.ones(rows, columns), size, 16)
    near(found, points((size[0] / 2, size[1] / 2)), "step")


def test_where_fixations_come_from():
    image = torch.full((1, 96, 96), 0.5)
    image[:, 16:32, 64:80] = 1.0  # salient
    attention = torch.zeros(6, 6)
    attention[4, 0] = 1.0
    given = Context(fixation=(50.0, 60.0), attention=attention)
    near(fixations(Scene(image, context=given)), points((50.0, 60.0)), "step")
    near(fixations(Scene(image, context=given), source="query"), points((72.0, 8.0)), "step")
    near(fixations(Scene(image, context=Context(attention=attention))), points((72.0, 8.0)), "step")
    salient = fixations(Scene(image))
    near(salient, fixations(Scene(image, context=given), source="saliency"), "step")
    assert math.dist(salient[0].tolist(), (24, 72)) < 12


def test_two_queries_two_fixations():
    image, features = noise(3, 64, 64), torch.eye(16).reshape(4, 4, 16)
    for cell in (0, 6, 15):
        query = torch.zeros(16)
        query[cell] = 1
        found = fixations(Scene(image, context=Context(query=query, features=features)))
        row, column = divmod(cell, 4)
        near(found, points((row * 16 + 8.0, column * 16 + 8.0)), "step")


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match=r"context\.fixation"):
        fixations(Scene(torch.zeros(1, 8, 8)), source="context")
    with pytest.raises(ValueError, match=r"context\.query"):
        fixations(Scene(torch.zeros(1, 8, 8)), source="query")


@pytest.mark.parametrize(
    "options", [{"e0": 0.0}, {"pixels_per_degree": math.nan}, {"power": -1.0}, {"source": "x"}, {"count": 0}]
)
def test_options_are_checked(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        Fixation(**options)
