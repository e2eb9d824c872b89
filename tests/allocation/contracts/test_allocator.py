import pytest
import torch

import pyrascope as ps
from pyrascope.allocation.contracts.allocator import Context, Scene
from tolerances import near

IMAGE = torch.zeros(1, 20, 30)


@pytest.mark.parametrize(
    ("fixation", "expected"),
    [((3, 4.5), [[3, 4.5]]), ([(3, 4), (0, 30)], [[3, 4], [0, 30]]), (torch.tensor([[20.0, 0.0]]), [[20, 0]])],
)
def test_fixations_are_points_in_the_image(fixation, expected):
    scene = Scene(IMAGE, context=Context(fixation=fixation))
    near(scene.context.fixations, torch.tensor(expected, dtype=torch.float64), "step")
    assert Context().fixations is None


@pytest.mark.parametrize("fixation", [(-0.1, 3.0), (3.0, 30.5), [(1.0, 1.0), (25.0, 1.0)]])
def test_fixations_outside_are_refused(fixation):
    with pytest.raises(ValueError, match=r"fixation must lie in the image of 20x30 px as \(y, x\), got .*; give"):
        ps.plan(IMAGE, budget=2, context=Context(fixation=fixation))


@pytest.mark.parametrize(
    ("fields", "error", "match"),
    [
        ({"question": 3}, TypeError, "question must be a string"),
        ({"fixation": (1.0, 2.0, 3.0)}, ValueError, r"fixation must be \(y, x\)"),
        ({"fixation": []}, ValueError, r"fixation must be \(y, x\)"),
        ({"fixation": "here"}, TypeError, r"fixation must be \(y, x\)"),
        ({"fixation": (1.0, float("nan"))}, ValueError, "fixation must be finite"),
        ({"query": torch.ones(3), "features": torch.ones(2, 2, 4)}, ValueError, "as wide as the features, got 3 and 4"),
        ({"query": torch.ones(1, 3)}, ValueError, r"query must have shape \(d\)"),
        ({"query": torch.tensor([1.0, float("inf")])}, ValueError, "query must hold finite"),
        ({"query": [1.0]}, TypeError, r"query must be a floating tensor \(d\), got list"),
        ({"features": torch.ones(4, 3)}, ValueError, r"features must have shape \(rows, columns, d\).*got \(4, 3\)"),
        ({"features": torch.ones(0, 2, 3)}, ValueError, "at least one number"),
        ({"features": torch.ones(2, 2, 3).int()}, TypeError, "floating tensor"),
        ({"attention": torch.tensor([[1.0, -1.0]])}, ValueError, "attention must not be negative"),
        ({"attention": torch.tensor([[float("nan")]])}, ValueError, "attention must hold finite"),
        ({"attention": torch.ones(2, 2, 2)}, ValueError, r"attention must have shape \(h, w\)"),
    ],
)
def test_bad_contexts_are_refused_in_one_sentence(fields, error, match):
    with pytest.raises(error, match=match) as caught:
        Context(**fields)
    assert "\n" not in str(caught.value)
