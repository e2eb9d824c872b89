"""The plan as a value: what it refuses, what stays equal, and what a file of it may contain."""

import copy
import json
import math
import os
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import pyrascope as ps
from pictures import noise
from pyrascope import Plan
from tolerances import near

HAND = {
    "boxes": [[0, 0, 32, 16], [0, 16, 32, 32]],
    "levels": [[1, 0], [1, 0]],
    "scores": [0.5, 0.25],
    "image_size": (32, 32),
    "cell": 16,
    "method": "by hand",
}


def made(**fields):
    return Plan(**(HAND | fields))


def document(**fields):
    return json.dumps(json.loads(made().to_json()) | fields)


def refused(text, match):
    """`from_json` says in one bounded sentence what is wrong, and with no warning."""
    with pytest.raises(ValueError, match=match) as caught:
        Plan.from_json(text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400, f"{len(message)} characters: {message[:200]}..."


# --- construction ---


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


# --- equality and text ---


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


# --- JSON ---

side = st.integers(1, 40)
finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def planned(draw):
    h, w, cell = draw(side), draw(side), draw(st.integers(1, 9))
    most = math.ceil(h / cell) * math.ceil(w / cell)
    method = draw(st.sampled_from([ps.methods.RateDistortion(), ps.methods.Resize(), ps.methods.Random(seed=h)]))
    return ps.plan(noise(1, h, w, seed=w), draw(st.integers(1, most)), method, cell)


@st.composite
def by_hand(draw):
    h, w, n = draw(side), draw(side), draw(st.integers(1, 5))

    def span(length):
        cuts = st.floats(0, length).filter(math.isfinite)
        return st.lists(cuts, min_size=2, max_size=2, unique=True).map(sorted)

    boxes = [[y[0], x[0], y[1], x[1]] for y, x in draw(st.lists(st.tuples(span(h), span(w)), min_size=n, max_size=n))]
    levels = draw(npst.arrays(np.float32, (n, 2), elements=st.floats(-8, 24, width=32)))
    scores = draw(npst.arrays(np.float64, n, elements=finite))
    return Plan(boxes, levels, scores, (h, w), draw(st.integers(1, 4096)), draw(st.text()))


@settings(max_examples=60, deadline=None)
@given(st.one_of(planned(), by_hand()))
def test_json_round_trip_is_exact(plan):
    text = plan.to_json()
    again = Plan.from_json(text)
    assert again == plan
    assert hash(again) == hash(plan)
    assert again.to_json() == text
    assert Plan.from_json(text.encode()) == plan
    for name in ("boxes", "levels", "scores"):
        assert getattr(again, name).tobytes() == getattr(plan, name).tobytes()
        assert not getattr(again, name).flags.writeable


@pytest.mark.parametrize("field", ["boxes", "levels", "scores", "image_size", "cell", "method", "tokens"])
def test_missing_field_is_named(field):
    data = json.loads(document())
    del data[field]
    refused(json.dumps(data), f"a plan must have the field '{field}'")


@pytest.mark.parametrize("part", [0, 0.01, 0.3, 0.7, 0.99])
def test_truncated_text_is_refused(part):
    text = document()
    refused(text[: int(len(text) * part)], "a plan must be JSON")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"plan"', "{}", '{"format": "other.plan", "version": 1}', "true"])
def test_other_documents_are_refused(text):
    refused(text, 'a plan must be a JSON object with "format": "pyrascope.plan"')


@pytest.mark.parametrize("version", [0, 2, -1, "1", None, 1.5, [1], 10**30, True])
def test_other_versions_are_refused(version):
    refused(document(version=version), "plan version must be 1, got")


@pytest.mark.parametrize("tokens", [1, 3, -2, 0, "2", None, [2], {"a": 2}, True, 10**30, 2.5])
def test_wrong_count_of_tokens_is_refused(tokens):
    refused(document(tokens=tokens), "as many boxes as tokens, got 2 for")


HUGE = "x" * 10**6
BAD_NUMBERS = ["0", None, True, {"a": 1}, [], 10**30, 10**400]


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=lambda number: repr(number)[:12])
@pytest.mark.parametrize("field", ["boxes", "levels", "scores", "image_size", "cell"])
def test_wrong_numbers_are_refused(field, number):
    data = json.loads(document())
    if field in ("boxes", "levels"):
        data[field][1][0] = number
    elif field == "cell":
        data[field] = number
    else:
        data[field][1] = number
    if field in ("levels", "scores") and number == 10**30:
        return  # finite, if strange
    refused(json.dumps(data), field)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e300", "9" * 5000])
@pytest.mark.parametrize("field", ["boxes", "levels", "scores", "image_size", "cell", "tokens", "version"])
def test_numbers_beyond_json_are_refused(field, number):
    if (field, number) == ("scores", "1e300"):
        return  # fits float64
    rows = {"boxes": "[[0, 0, 1, 1], [0, 0, 1, @]]", "levels": "[[0, 0], [0, @]]", "scores": "[0, @]"}
    value = (rows | {"image_size": "[32, @]"}).get(field, "@").replace("@", number)
    refused(document(**{field: "@"}).replace('"@"', value), ".")


@pytest.mark.parametrize(
    "fields",
    [
        {"boxes": [[0, 0, 1], [0, 0, 1, 1]]},
        {"boxes": [[0, 0, 33, 32], [0, 0, 1, 1]]},
        {"boxes": [[-1, 0, 3, 3], [0, 0, 1, 1]]},
        {"boxes": {}},
        {"boxes": [[0, 0, 32, 32]]},
        {"boxes": "00321600"},
        {"levels": [[1], [1, 0]]},
        {"levels": [1, 0]},
        {"image_size": [-32, 32]},
        {"image_size": [32]},
        {"image_size": [32, 32, 32]},
        {"image_size": "32"},
        {"image_size": 10**30},
        {"image_size": [10**30, 10**30]},
        {"image_size": [32.0, 32]},
        {"image_size": {"h": 32, "w": 32}},
        {"cell": -1},
        {"cell": 10**30},
        {"cell": "16"},
        {"method": 5},
        {"method": None},
        {"method": ["Random()"]},
    ],
    ids=str,
)
def test_impossible_plans_are_refused(fields):
    refused(document(**fields), next(iter(fields)))


FIELDS = ["boxes", "levels", "scores", "image_size", "cell", "version", "tokens", "format"]


@pytest.mark.parametrize("field", FIELDS)
def test_messages_stay_short(field):
    for value in (HUGE, [HUGE, 1], [1, [HUGE]], {HUGE: HUGE}, [[1] * 10**5]):
        refused(document(**{field: value}), ".")


def test_message_for_missing_fields_stays_short():
    refused(json.dumps({"format": "pyrascope.plan", "version": 1, HUGE: 1}), "a plan must have the field 'boxes'")


@pytest.mark.parametrize("field", [*FIELDS, "method"])
def test_deep_nesting_is_refused(field):
    for depth in (50, 200, 700, *range(900, 1000, 7), 10**5):
        for left, right in ("[]", ('{"a":', "}")):
            nested = left * depth + "1" + right * depth
            refused(document(**{field: "@"}).replace('"@"', nested), ".")


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\xff\xfe\x00", b"\x00" * 100, b"{"])
def test_binary_is_refused(data):
    refused(data, "a plan must be JSON")


# --- files ---


def test_save_and_load(tmp_path):
    plan = ps.plan(noise(3, 40, 56), 7, cell=8)
    for path in (tmp_path / "plan.json", str(tmp_path / "other.json")):
        plan.save(path)
        assert Plan.load(path) == plan
    made().save(tmp_path / "plan.json")
    assert Plan.load(tmp_path / "plan.json") == made()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.json", "plan.json"]


def test_a_file_is_whole_or_absent(tmp_path, monkeypatch):
    made().save(tmp_path / "old.json")

    def fail(self):
        raise MemoryError("no more")

    monkeypatch.setattr(Plan, "to_json", fail)
    for name in ("old.json", "new.json"):
        with pytest.raises(MemoryError, match="no more"):
            made(cell=4).save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == ["old.json"]
    assert Plan.load(tmp_path / "old.json") == made()


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"[]", document().encode()[:-9]])
def test_load_names_the_file(tmp_path, content):
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.json.*must|must.*broken\.json") as caught:
        Plan.load(tmp_path / "broken.json")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_load_of_no_file_says_what_to_do(tmp_path):
    """As for images: the fitting OSError, in a sentence with what was expected."""
    for path, error in ((tmp_path / "none.json", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(error, match=r"must be a readable file, got .*; check the path"):
            Plan.load(path)


def test_load_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    seen = []

    def load():
        try:
            Plan.load(tmp_path / "pipe")
        except (OSError, ValueError) as error:
            seen.append(error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(2)
    if thread.is_alive():  # let it go, as a writer would
        os.close(os.open(tmp_path / "pipe", os.O_WRONLY))
        thread.join(2)
        pytest.fail("Plan.load waits for a writer")
    assert isinstance(seen[0], OSError)


def test_save_to_no_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="output must be a file that can be written"):
        made().save(tmp_path / "none" / "plan.json")
    with pytest.raises(IsADirectoryError, match="output must be a file that can be written"):
        made().save(tmp_path)


def test_plans_of_several_images_are_read_back(tmp_path):
    plans = ps.plan([noise(3, 61, 93), noise(1, 40, 17)], 13)
    several, one = tmp_path / "several.json", tmp_path / "one.json"
    several.write_text(json.dumps([json.loads(plan.to_json()) for plan in plans]))
    plans[0].save(one)
    assert Plan.load_all(several) == plans
    assert Plan.load_all(one) == plans[:1]
    with pytest.raises(ValueError, match=r"several.json: a plan must be one JSON object, got a list of 2; .*load_all"):
        Plan.load(several)
    several.write_text(several.read_text().replace('"version": 1', '"version": 99', 1))
    with pytest.raises(ValueError, match=r"several.json: plan 0: plan version must be"):
        Plan.load_all(several)
    several.write_text("[")
    with pytest.raises(ValueError, match=r"several.json: a plan must be JSON text"):
        Plan.load_all(several)
