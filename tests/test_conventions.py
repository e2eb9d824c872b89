"""Every line of docs/conventions.md, pinned."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import pyrascope as ps
from moved import moved
from pictures import noise, photo
from pyrascope.methods import method_from
from pyrascope.signal.ripmap import Ripmap
from tolerances import near

PAGE = Path(__file__).parent.parent / "docs" / "conventions.md"


def test_every_convention_has_its_test_and_every_test_its_convention():
    named = re.findall(r"`(test_convention_\w+)`", PAGE.read_text())
    assert sorted(named) == sorted(name for name in globals() if name.startswith("test_convention_"))


def test_convention_axes():
    assert ps.gaussian_pyramid(torch.zeros(2, 5, 3, 20, 30), 2)[1].shape == (2, 5, 3, 10, 15)
    assert ps.plan(torch.zeros(3, 32, 48), 1).image_size == (32, 48)
    assert ps.plan(np.zeros((32, 48, 3)), 1).image_size == (32, 48)
    assert ps.plan(np.zeros((32, 48)), 1).image_size == (32, 48)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_convention_kind_and_type_follow_the_input(dtype):
    image = noise(3, 32, 48, dtype=dtype)
    plan = ps.plan(image, 3)
    for made in (ps.gather(image, plan), ps.render(plan, ps.gather(image, plan)), ps.reduce(image)):
        assert isinstance(made, torch.Tensor)
        assert made.dtype == dtype
    array = image.permute(1, 2, 0).numpy()
    for made in (ps.gather(array, plan), ps.render(plan, ps.gather(array, plan)), ps.reduce(array, channel_axis=-1)):
        assert isinstance(made, np.ndarray)
        assert made.dtype == array.dtype


def test_convention_integers_are_scaled_by_their_range():
    for kind, top in ((torch.uint8, 255), (torch.uint16, 65535)):
        image = torch.tensor([[[0, top]]], dtype=kind)
        near(ps.gather(image, ps.plan(image, 2, cell=1)).flatten(), torch.tensor([0.0, 1.0]), "step")
        near(ps.gaussian_pyramid(image, 1)[0].flatten(), torch.tensor([0.0, 1.0]), "step")


@pytest.mark.parametrize("size", [(1, 1), (1, 64), (9, 9), (33, 47)])
def test_convention_levels(size):
    pyramid = ps.gaussian_pyramid(torch.zeros(size), 5)
    for level, image in enumerate(pyramid):
        assert image.shape == tuple(-(-n // 2**level) for n in size)


def test_convention_gaussian_lattice():
    near(ps.reduce(torch.eye(8)[:1])[0], torch.tensor([6.0, 1, 0, 0]) / 16, "step")
    ramp = torch.arange(16.0)[None]
    near(ps.reduce(ramp)[0, 1:-1], ramp[0, ::2][1:-1], "step")


def test_convention_sharp_lattice():
    ramp = (torch.arange(64.0) + 0.5).expand(1, 4, 64)
    level = Ripmap(ramp)[0, 2][0, 0]
    assert_close(level[4:-4], (torch.arange(16.0)[4:-4] + 0.5) * 4, atol=1e-4, rtol=0)


def test_convention_boxes():
    image = torch.arange(8.0).expand(1, 4, 8)
    plan = ps.plan(image, 2, ps.methods.Uniform(), cell=4)
    np.testing.assert_array_equal(plan.boxes, [[0, 0, 4, 4], [0, 4, 4, 8]])
    near(ps.gather(image, plan)[1], image[:, 0:4, 4:8], "step")


def test_convention_box_levels():
    plan = ps.plan(torch.zeros(1, 20, 40), 1, cell=8)
    np.testing.assert_array_equal(plan.boxes, [[0, 0, 20, 40]])
    np.testing.assert_array_equal(plan.levels, [[2, 3]])


def test_convention_reading_order():
    boxes = ps.plan(noise(1, 90, 120), 23, cell=8).boxes
    assert sorted(map(tuple, boxes[:, :2])) == list(map(tuple, boxes[:, :2]))


def test_convention_borders():
    image = noise(1, 5, 5)
    token = ps.gather(image, ps.plan(image, 1, cell=8))[0, 0]
    near(token, image[0][np.ix_([0, 1, 2, 3, 4, 4, 4, 4], [0, 1, 2, 3, 4, 4, 4, 4])], "step")
    near(ps.reduce(torch.tensor([[16.0, 0, 0, 0]]))[0, 0], torch.tensor(6.0), "step")
    near(ps.reduce(torch.tensor([[0.0, 16, 0, 0]]))[0, 0], torch.tensor(8.0), "step")


def test_convention_budgets():
    image = noise(1, 33, 50)
    assert [ps.plan(image, budget).tokens for budget in range(1, 13)] == list(range(1, 13))
    for budget in (0, 13):
        with pytest.raises(ValueError, match="budget must be a whole number from 1 to 12, got"):
            ps.plan(image, budget)


def test_convention_seeds():
    image = noise(1, 64, 64)
    plan = ps.plan(image, 9, ps.methods.Random(seed=5))
    assert plan.method == "Random(seed=5)"
    assert ps.plan(image, 9, method_from(plan.method)) == plan


def test_convention_errors():
    with pytest.raises(ValueError, match=r"^mode must be one of 'reflect', .*, got 'mirror'$"):
        ps.reduce(torch.zeros(4, 4), mode="mirror")
    with pytest.raises(ValueError, match=r"^budget .* 1 to 4, got 5; a 32x32 px image has 2x2 cells of 16 px$"):
        ps.plan(torch.zeros(1, 32, 32), 5)


def test_convention_importance():
    found = ps.importance_map(photo(), ps.importance.Saliency())
    assert found.shape == (32, 48)
    assert float(found.min()) >= 0
    near(float(found.mean()), 1, "step")
    assert bool((ps.importance_map(torch.full((3, 40, 40), 0.3), ps.importance.Saliency()) == 1).all())


def test_convention_equals():
    image = noise(1, 16, 16).repeat(1, 4, 4)
    plan = ps.plan(image, 10)
    assert ps.plan(moved(image, 3), 10).boxes.tolist() == plan.boxes.tolist()
    assert ps.allocate([0.1, 0.1 + 1e-16, 0.1], 4).tolist() == [2, 1, 1]
