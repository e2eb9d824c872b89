"""What the catalogue says of a method is what the method does."""

import pytest
import torch

import pyrascope as ps
from pictures import noise
from pyrascope.methods.catalogue import BUDGETS, entries
from pyrascope.methods.named import MAPS, METHODS, map_from, method_from

CELL = 4
IMAGE = noise(1, 88, 120)
ENTRIES = {entry.name: entry for entry in entries()}
GIVEN = {
    "fixation": {"fixation": (70.0, 100.0)},
    "attention": {"attention": torch.eye(22, 30)},
    "query": {
        "query": torch.tensor([1.0, 0.0]),
        "features": torch.stack([40 * torch.eye(22, 30), torch.ones(22, 30)], -1),
    },
}


def works(method, budget):
    try:
        return ps.plan(IMAGE, budget, method, CELL)
    except ValueError:
        return None


ALONE = [name for name in METHODS if name != "coarse-to-fine"]
"""All methods but the one that needs a detector."""


def test_one_method_needs_a_detector():
    assert [name for name in METHODS if works(METHODS[name](), 50) is None] == ["coarse-to-fine"]


@pytest.mark.parametrize("name", ALONE)
def test_budgets_are_as_said(name):
    entry, method = ENTRIES[name], METHODS[name]()
    assert (works(method, None) is not None) == (entry.budget == BUDGETS[2])
    counts = [works(method, budget).tokens for budget in (7, 50, 101)]
    assert (counts == [7, 50, 101]) == (entry.budget != BUDGETS[1])
    assert all(count <= budget for count, budget in zip(counts, (7, 50, 101), strict=True))


def answer(name, context):
    if name in METHODS:
        plan = ps.plan(IMAGE, 150, METHODS[name](), CELL, context=context)
        return plan.boxes.tolist(), plan.scores.tolist()
    try:
        return ps.importance_map(IMAGE, map_from(ENTRIES[name].example), CELL, context).tolist()
    except ValueError:
        return None


@pytest.mark.parametrize("field", GIVEN)
@pytest.mark.parametrize("name", [*ALONE, *MAPS])
def test_what_is_read_changes_the_answer_and_nothing_else_does(name, field):
    changed = answer(name, ps.Context(**GIVEN[field])) != answer(name, ps.Context())
    assert changed == (field in ENTRIES[name].reads)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_every_entry_is_whole(entry):
    assert entry.idea.endswith(".")
    assert len(entry.idea) < 130
    assert all(option.meaning for option in entry.options)
    if entry.kind == "map":
        assert repr(map_from(entry.example)).startswith(entry.example[:-1].split("(")[0])
    else:
        assert method_from(entry.call.split("(")[0]) == METHODS[entry.name]()
