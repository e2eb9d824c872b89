import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.evaluation.pictures.density import token_density
from tolerances import near

quarters = st.integers(0, 400)


@st.composite
def overlapping_plans(draw):
    """Boxes anywhere, in quarters of a pixel."""
    height, width = draw(st.integers(1, 90)), draw(st.integers(1, 40))
    generator = np.random.default_rng(draw(st.integers(0, 999)))
    corners = [np.sort(generator.choice(4 * side + 1, (12, 2)), 1) / 4 for side in (height, width)]
    boxes = np.stack([corners[0][:, 0], corners[1][:, 0], corners[0][:, 1], corners[1][:, 1]], 1)
    boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(1)]
    boxes = boxes if len(boxes) else np.array([[0.0, 0, height, width]])
    return ps.Plan(boxes, np.zeros((len(boxes), 2)), np.zeros(len(boxes)), (height, width), 4, "by hand")


@settings(deadline=None, max_examples=20)
@given(overlapping_plans(), st.integers(1, 50))
def test_density_against_painting_quarter_pixels(plan, side):
    height, width = plan.image_size
    fine = np.zeros((4 * height, 4 * width))
    for y0, x0, y1, x1 in (4 * plan.boxes).astype(int):
        fine[y0:y1, x0:x1] += 16 / ((y1 - y0) * (x1 - x0))
    rows, columns = -(-height // side), -(-width // side)
    expected = [
        [fine[4 * side * r : 4 * side * (r + 1), 4 * side * c : 4 * side * (c + 1)].mean() for c in range(columns)]
        for r in range(rows)
    ]
    near(token_density(plan, side), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("method", [ps.methods.Resize(), ps.methods.RateDistortion(), ps.methods.Random()], ids=repr)
@pytest.mark.parametrize("size", [(1, 1), (200, 300), (133, 77)])
def test_density_integrates_to_the_tokens(method, size):
    plan = ps.plan(noise(1, *size), max(1, size[0] * size[1] // 1000), method, 8)
    near(float(token_density(plan).sum()), plan.tokens)
    area = [np.diff(np.minimum(np.arange(-(-n // 8) + 1) * 8, n)) for n in size]
    near(float((token_density(plan, 8) * torch.from_numpy(np.outer(*area))).sum()), plan.tokens)


def test_density_of_a_resize_is_flat_and_of_a_box_exact():
    density = token_density(ps.plan(noise(1, 100, 150), 54, ps.methods.Resize()))
    near(density, torch.full_like(density, 54 / 15000))
    with pytest.raises(ValueError, match="side must be a whole number from 1"):
        token_density(ps.plan(noise(1, 8, 8), 1), 0)
