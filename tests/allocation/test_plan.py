"""Plans: construction, equality, text."""

import copy
import pickle

import numpy as np
import pytest

from plans_by_hand import HAND, made
from tolerances import near


def test_fields_have_the_promised_types():
    plan = made(image_size=[np.int64(32), 32])
    assert (plan.boxes.dtype, plan.boxes.shape) == (np.float64, (2, 4))
    assert (plan.levels.dtype, plan.levels.shape) == (np.float32, (2, 2))
    assert (plan.scores.dtype, plan.scores.shape) == (np.float64, (2,))
    assert plan.image_size == (32, 32)
    assert [type(side) for side in (*plan.image_size, plan.cell, plan.tokens)] == [int] * 4
    assert plan.tokens == 2


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"boxes": []}, r"boxes must be finite numbers of shape \(n, 4\), got shape \(0,\)"),
        ({"boxes": [[0, 0, 1]]}, r"boxes must be .* got shape \(1, 3\)"),
        ({"boxes": [[0, 0, 1, 1], [0, 0]]}, "boxes must be finite numbers"),
        ({"boxes": "0123"}, "boxes must be finite numbers .* got '0123'"),
        ({"boxes": [["0", 0, 1, 1]] * 2}, "boxes must be finite numbers"),
        ({"boxes": [[False, False, True, True]] * 2}, "boxes must be finite numbers"),
        ({"boxes": [[0, 0, np.nan, 1]] * 2}, "boxes must be finite numbers .* got nan"),
        ({"boxes": [[0, 0, 1j, 1]] * 2}, "boxes must be finite numbers"),
        ({"boxes": np.zeros((2, 4, 1))}, r"boxes must be .* got shape \(2, 4, 1\)"),
        ({"levels": [[1, 0]]}, "as many boxes, levels and scores, at least one each, got 2, 1 and 2"),
        ({"levels": [[1, np.inf], [0, 0]]}, "levels must be finite numbers .* got inf"),
        ({"levels": [[1, 1e300], [0, 0]]}, "levels must be finite numbers"),
        ({"scores": [1]}, "got 2, 2 and 1"),
        ({"scores": [[1], [2]]}, r"scores must be finite numbers of shape \(n,\), got shape \(2, 1\)"),
        ({"scores": None}, "scores must be finite numbers"),
        ({"boxes": np.zeros((0, 4)), "levels": np.zeros((0, 2)), "scores": []}, "at least one each, got 0, 0 and 0"),
        ({"boxes": [[0, 0, 32, 16], [0, 16, 32, 33]]}, r"within the 32x32 image, got \[0.0, .*\] \(box 1\)"),
        ({"boxes": [[-1, 0, 32, 16], [0, 16, 32, 32]]}, r"boxes must be .* \(box 0\)"),
        ({"boxes": [[0, 0, 32, 16], [0, 16, 0, 32]]}, r"boxes must be y0 < y1, x0 < x1 .* \(box 1\)"),
        ({"boxes": [[0, 0, 32, 16], [9, 16, 3, 32]]}, r"boxes must be y0 < y1, x0 < x1 .* \(box 1\)"),
        ({"image_size": (0, 32)}, "image_size must be a whole number from 1 to"),
        ({"image_size": (32, 10**30)}, "image_size must be a whole number from 1 to"),
        ({"cell": 0}, "cell must be a whole number from 1 to 4096, got 0"),
        ({"cell": 4097}, "cell must be a whole number from 1 to 4096, got 4097"),
    ],
)
def test_values_that_do_not_fit_are_refused(fields, match):
    with pytest.raises(ValueError, match=match) as caught:
        made(**fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"image_size": 32}, r"image_size must be \(height, width\), got 32"),
        ({"image_size": (32, 32, 3)}, r"image_size must be \(height, width\)"),
        ({"image_size": (32.0, 32)}, r"image_size must be a whole number .* got 32.0 \(float\)"),
        ({"cell": 16.0}, r"cell must be a whole number .* got 16.0 \(float\)"),
        ({"cell": True}, r"cell must be a whole number .* got True \(bool\)"),
        ({"method": None}, "method must be a string, got None"),
    ],
)
def test_types_that_do_not_fit_are_refused(fields, match):
    with pytest.raises(TypeError, match=match):
        made(**fields)


@pytest.mark.parametrize("level", [1e30, -1e30, 200])
def test_levels_that_no_box_can_have_are_refused(level):
    """A level is log2(box side / cell): anything else would ask gather and render for memory without end."""
    with pytest.raises(ValueError, match="levels must"):
        made(levels=[[level, 0], [1, 0]])


def test_arrays_are_read_only_copies():
    boxes = np.array(HAND["boxes"], np.float64)
    plan = made(boxes=boxes)
    boxes[:] = 7
    assert plan == made()
    for name in ("boxes", "levels", "scores"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(plan, name)[0] = 0
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(plan, name, boxes)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda plan: pickle.loads(pickle.dumps(plan))])
def test_copies_are_equal_and_still_read_only(clone):
    twin = clone(made())
    assert twin == made()
    assert hash(twin) == hash(made())
    assert not any(getattr(twin, name).flags.writeable for name in ("boxes", "levels", "scores"))


@pytest.mark.parametrize(
    "fields",
    [
        {"boxes": [[0, 0, 32, 16], [0, 16, 32, 31.5]]},
        {"levels": [[1, 0], [1, 0.5]]},
        {"scores": [0.5, 0.5]},
        {"image_size": (32, 33)},
        {"cell": 8},
        {"method": "otherwise"},
        {"boxes": [[0, 0, 32, 16]], "levels": [[1, 0]], "scores": [1]},
    ],
)
def test_plans_differ_if_any_field_does(fields):
    assert made(**fields) != made()
    assert made(**fields) == made(**fields)
    assert hash(made(**fields)) == hash(made(**fields))


def test_a_plan_equals_no_other_thing():
    assert made() != HAND
    assert (made() == None) is False  # noqa: E711 - the comparison is the test


@pytest.mark.parametrize("order", ["C", "F"])
def test_equal_plans_have_equal_hashes(order):
    boxes = np.array([[-0.0, 0, 32, 16], [0, 16, 32, 32]], order=order)
    assert made(boxes=boxes) == made()
    assert len({made(boxes=boxes), made()}) == 1


@pytest.mark.parametrize("method", ["by hand", "two\nlines", "a\r\x0bb\u2028c"])
def test_repr_is_one_line(method):
    assert len(repr(made(method=method)).splitlines()) == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Plan(2 tokens for 32x32 px, cell 16, levels 0..1, partition, by hand)"),
        ({"levels": [[2, 2]] * 2}, "Plan(2 tokens for 32x32 px, cell 16, level 2, partition, by hand)"),
        (
            {"boxes": [[0, 0, 32, 8]], "levels": [[0.25, -1]], "scores": [0]},
            "Plan(1 token for 32x32 px, cell 16, levels -1..0.25, covers 25%, by hand)",
        ),
    ],
)
def test_repr_says_what_matters(fields, expected):
    assert repr(made(**fields)) == expected


def test_by_level_groups_all_tokens_fine_to_coarse():
    levels = [[1, 1], [0, 0], [2, -0.5], [1, 1], [0, 2], [0, 0]]
    boxes = [[0, 0, 32, 32]] * 6
    groups = made(boxes=boxes, levels=levels, scores=[0] * 6).by_level()
    assert {pair: tokens.tolist() for pair, tokens in groups.items()} == {
        (0.0, 0.0): [1, 5],
        (2.0, -0.5): [2],
        (0.0, 2.0): [4],
        (1.0, 1.0): [0, 3],
    }
    assert [sum(pair) for pair in groups] == sorted(sum(pair) for pair in groups)


@pytest.mark.parametrize(
    ("boxes", "coverage", "partition"),
    [
        ([[0, 0, 32, 32]], 1, True),
        ([[0, 0, 32, 32], [8, 8, 16, 16]], 1, False),
        ([[0, 0, 32, 16]], 0.5, False),
        ([[0, 0, 32, 20], [0, 12, 32, 32]], 1, False),
        ([[0, 0, 32, 10 / 3], [0, 10 / 3, 32, 32]], 1, True),
    ],
)
def test_coverage_and_partition(boxes, coverage, partition):
    plan = made(boxes=boxes, levels=[[0, 0]] * len(boxes), scores=[0] * len(boxes))
    near(plan.coverage, coverage, "step")
    assert plan.is_partition is partition
