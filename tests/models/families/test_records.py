"""What is known of a family stands in one record."""

import json
import re
from pathlib import Path

import pytest

from pyrascope.models.families import FAMILIES, family_of
from pyrascope.models.families.adapter import adapted_types
from pyrascope.models.families.record import Family

transformers = pytest.importorskip("transformers")
ROOT = Path(__file__).parents[3]


def test_no_type_stands_in_two_records():
    types = [kind for family in FAMILIES for kind in family.types]
    assert len(types) == len(set(types))


def test_a_record_speaks_of_its_own_types_alone():
    for family in FAMILIES:
        assert set(family.small) | set(family.row_breaks) <= set(family.types), family.types


def test_every_type_is_one_of_transformers():
    from pyrascope.models.stock.support import image_text_types

    known = image_text_types()
    if "qwen4_exp" not in known:
        pytest.skip(f"transformers {transformers.__version__} is older than the records; constraints.txt has theirs")
    assert {kind for family in FAMILIES for kind in family.types} - set(known) == set()


def test_a_type_without_a_record_is_served_by_the_defaults():
    assert family_of("nothing") == Family(("nothing",))


def test_reasons_are_sentences_that_end_in_what_to_do():
    reasons = [reason for family in FAMILIES for reason in (family.tower, family.layers) if isinstance(reason, str)]
    assert [reason for reason in reasons if reason and "; use " not in reason] == []


def test_those_with_an_adapter_are_sorted_and_have_no_reason():
    assert adapted_types() == sorted(adapted_types())
    assert not any(isinstance(family_of(kind).tower, str | None) for kind in adapted_types())


def test_the_page_has_its_reasons_from_the_records():
    rows = json.loads((ROOT / "benchmarks" / "results" / "models.json").read_text())
    for kind, (pixels, _, layers) in rows.items():
        family = family_of(kind)
        if isinstance(family.tower, str):
            assert pixels == f"refused: {kind} at the pixels site: {family.tower}"
        if family.layers:
            assert layers == f"refused: layers of {kind} {family.layers}"
        if family.refused:
            assert pixels == layers == f"refused: model must {family.refused}, got {kind}"
        assert (pixels == "pass") == (kind in adapted_types()), kind


def test_the_page_says_what_was_found():
    page = (ROOT / "docs" / "models.md").read_text()
    rows = json.loads((ROOT / "benchmarks" / "results" / "models.json").read_text())
    whole = [kind for kind, cells in rows.items() if cells == ["pass"] * 3]
    listed = next(line for line in page.splitlines() if line.startswith("**All three sites**"))
    assert re.findall("`([^`]+)`", listed) == sorted(whole)
    assert all(f"`{kind}`" in page for kind in rows)
