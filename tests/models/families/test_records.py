"""What is known of a family stands in one record."""

import pytest

from pyrascope.models.families import FAMILIES, family_of
from pyrascope.models.families.adapter import adapted_types
from pyrascope.models.families.record import Family

transformers = pytest.importorskip("transformers")


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
