"""Plans as JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import pyrascope as ps
from pictures import noise
from plans_by_hand import document, side
from pyrascope import Plan


def refused(text, match):
    """`from_json` says in one bounded sentence what is wrong, and with no warning."""
    with pytest.raises(ValueError, match=match) as caught:
        Plan.from_json(text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400, f"{len(message)} characters: {message[:200]}..."


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
