"""Two looks: exact budgets, detail where the detector sees heat in the coarse view, and nowhere else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise, photo
from pyrascope.methods.named import method_from
from tolerances import near

CoarseToFine = ps.methods.CoarseToFine


def edges(view):
    """A simple real detector: gradient energy of the view."""
    grey = view.mean(0)
    dy, dx = (torch.diff(grey, dim=axis, append=grey.narrow(axis, -1, 1)) for axis in (0, 1))
    return dy.square() + dx.square()


def two_busy_places():
    """Equal fine texture at two places of a calm image; the left one stands on a bright ground."""
    image = torch.full((1, 256, 512), 0.3)
    texture = 0.2 * noise(1, 64, 64) - 0.1
    image[:, 96:160, 96:160] = 0.5 + texture
    image[:, 96:160, 352:416] = 0.3 + texture
    return image


def inside(plan, y0, x0, y1, x1):
    centres = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
    return ((centres >= [y0, x0]) & (centres < [y1, x1])).all(1)


@pytest.mark.parametrize("counted", [True, False])
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 99), st.data())
def test_every_budget_is_met_exactly(counted, h, w, share, data):
    image = noise(3, h, w)
    full = -(-h // 8) * -(-w // 8)
    budget = data.draw(st.integers(1, full))
    plan = ps.plan(image, budget, CoarseToFine(share=share, counted=counted, detector=edges), 8)
    assert plan.tokens == budget
    assert plan.coverage == 1
    assert ps.Plan.from_json(plan.to_json()) == plan
    looked = counted and min(budget * share // 100, budget - 1) >= 1 and budget < full
    assert plan.is_partition != looked


def test_a_joint_budget_is_exact_in_total():
    images = [noise(3, 40, 60), noise(1, 17, 90, seed=1), torch.zeros(3, 33, 33)]
    for counted in (True, False):
        for budget in (3, 4, 7, 11, 30):
            plans = ps.plan(images, budget, CoarseToFine(counted=counted, detector=edges))
            assert sum(plan.tokens for plan in plans) == budget


def test_the_detector_sees_what_the_tokens_of_the_first_look_show():
    image, seen = photo(), []

    def detector(view):
        seen.append(view)
        return edges(view)

    plan = ps.plan(image, 200, CoarseToFine(share=40, detector=detector))
    look = ps.plan(image, 80, ps.methods.Resize())
    rows, columns = (len(np.unique(look.boxes[:, axis])) for axis in (0, 1))
    tokens = ps.gather(image, look).reshape(rows, columns, 3, 16, 16)
    near(seen[0], tokens.permute(2, 0, 3, 1, 4).reshape(3, rows * 16, columns * 16))
    mine = {tuple(box) for box in plan.boxes}
    assert mine >= {tuple(box) for box in look.boxes}, "the first look is part of the plan"


def test_detail_goes_where_the_detector_sees_heat():
    image = two_busy_places()
    bright = CoarseToFine(elsewhere=0, counted=False, detector=lambda view: (view[0] > 0.42).double())
    plan = ps.plan(image, 40, bright)
    left, right = inside(plan, 96, 96, 160, 160), inside(plan, 96, 352, 160, 416)
    assert left.sum() >= 16
    assert not plan.levels[left].any()
    assert right.sum() <= 2
    plain = ps.plan(image, 40)
    assert inside(plain, 96, 352, 160, 416).sum() > right.sum(), "without the detector both places count"


def test_the_weight_of_the_scene_multiplies_the_heat():
    image = two_busy_places()
    weight = np.array([[0.0, 1.0]])  # only the right half matters, and the detector sees both places
    method = CoarseToFine(elsewhere=0, counted=False, detector=lambda view: (view[0] - 0.3).abs())
    plan = ps.plan(image, 40, method, weight=weight)
    assert inside(plan, 0, 256, 256, 512).sum() >= 30


def test_without_heat_it_is_the_method_itself():
    image = photo()[:, :128, :128]
    for method in (ps.methods.RateDistortion(aspect=1), ps.methods.Frequency()):
        blind = CoarseToFine(method, counted=False, detector=lambda view: torch.zeros(2, 3))
        assert np.array_equal(ps.plan(image, 20, blind).boxes, ps.plan(image, 20, method).boxes)
    heat = CoarseToFine(elsewhere=1, counted=False, detector=edges)
    assert np.array_equal(ps.plan(image, 20, heat).boxes, ps.plan(image, 20).boxes)


def test_its_string_has_all_but_the_detector():
    method = CoarseToFine(share=30, elsewhere=0.1, detector=edges)
    assert "detector" not in repr(method)
    assert "edges" not in ps.plan(noise(1, 64, 64), 10, method).method
    assert method_from("CoarseToFine(share=30, elsewhere=0.1)") == CoarseToFine(share=30, elsewhere=0.1)


def test_without_a_detector_it_says_what_it_needs():
    with pytest.raises(ValueError, match="CoarseToFine needs a detector that looks at the coarse view, got none"):
        ps.plan(noise(1, 64, 64), 10, CoarseToFine())


@pytest.mark.parametrize(
    ("heat", "message"),
    [
        (torch.ones(1, 2, 2), r"heat map \(h, w\), finite and not negative, got \(1, 2, 2\)"),
        (torch.tensor([[1.0, -1.0]]), "got a value that is not"),
        (torch.tensor([[1.0, torch.nan]]), "got a value that is not"),
        ("boxes", "got 'boxes'"),
    ],
)
def test_a_heat_map_that_is_none_is_refused(heat, message):
    with pytest.raises(ValueError, match=message):
        ps.plan(noise(1, 64, 64), 10, CoarseToFine(detector=lambda view: heat))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0}, "share must be a whole number from 1 to 99, got 0"),
        ({"share": 100}, "share must be a whole number from 1 to 99, got 100"),
        ({"share": 1001, "counted": False}, "share must be a whole number from 1 to 1000, got 1001"),
        ({"elsewhere": -0.1}, "elsewhere must be a number from 0 to 1, got -0.1"),
        ({"elsewhere": float("nan")}, "elsewhere must be a number from 0 to 1, got nan"),
        ({"counted": 1}, "counted must be True or False, got 1"),
        ({"method": ps.methods.Uniform}, "method must be a method such as RateDistortion"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        CoarseToFine(**options)
