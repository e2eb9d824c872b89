"""Schedules over the layers: exact where published, and met on the mean for every budget that can be reached."""

import itertools
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyrascope.allocation.contracts.attention import AttentionHeads
from pyrascope.allocation.contracts.dropper import scheduled, shares_of
from tolerances import near


def brute_force(tokens, layers, first, widths, budget):
    """Every reachable sum of counts that never rise, by trying all."""
    sums = set()
    for counts in itertools.product(range(1, tokens + 1), repeat=len(widths)):
        if list(counts) == sorted(counts, reverse=True):
            sums.add(first * tokens + sum(n * w for n, w in zip(counts, widths, strict=True)))
    return any(layers * (budget - 1) < total <= layers * budget for total in sums)


@st.composite
def stages(draw):
    layers = draw(st.integers(1, 40))
    after = sorted(draw(st.sets(st.integers(1, max(layers - 1, 1)), max_size=4))) if layers > 1 else []
    left = [draw(st.one_of(st.integers(1, 50), st.floats(0.01, 1.0))) for _ in after]
    return layers, list(zip(after, left, strict=True))


@given(st.integers(1, 300), stages(), st.data())
def test_every_budget_in_reach_is_met_up_to_less_than_one(tokens, plan, data):
    layers, pairs = plan
    with pytest.raises(ValueError, match="mean over the layers") as refused:
        scheduled(tokens, layers, pairs, 0)
    low, high = map(int, re.search(r"from (\d+) to (\d+)", str(refused.value)).groups())
    assert high == tokens
    budget = data.draw(st.integers(low, high))
    counts = scheduled(tokens, layers, pairs, budget)
    assert layers * (budget - 1) < sum(counts) <= layers * budget
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] >= 1
    assert len(counts) == layers
    changes = [i for i in range(1, layers) if counts[i] != counts[i - 1]]
    assert set(changes) <= {after for after, _ in pairs}
    assert counts[0] == tokens


@pytest.mark.parametrize("tokens", [1, 2, 5, 7])
def test_what_is_refused_cannot_be_reached(tokens):
    layers, pairs = 6, [(1, 0.5), (4, 0.25)]
    for budget in range(1, tokens + 1):
        try:
            scheduled(tokens, layers, pairs, budget)
            reached = True
        except ValueError:
            reached = False
        assert reached == brute_force(tokens, layers, 1, [3, 2], budget)


def test_shares_are_as_written():
    assert scheduled(10, 2, [(1, 0.7)]) == [10, 7]
    assert scheduled(1000, 2, [(1, 0.29)]) == [1000, 290]
    assert scheduled(3, 2, [(1, 0.01)]) == [3, 1]
    assert scheduled(5, 3, [(1, 9), (2, 2)]) == [5, 5, 2]
    assert scheduled(5, 3, [(1, 0.2), (2, 1.0)]) == [5, 1, 1]
    assert scheduled(0, 3, [(1, 0.2)], None) == [0, 0, 0]


def test_bad_stages_are_refused():
    assert shares_of({3: 10, 1: 0.5}, "stages") == ((1, 0.5), (3, 10))
    with pytest.raises(ValueError, match=r"above 0 and at most 1, got 1\.5"):
        shares_of({1: 1.5}, "stages")
    with pytest.raises(ValueError, match="a layer of stages must be a whole number >= 1, got 0"):
        shares_of({0: 0.5}, "stages")
    with pytest.raises(TypeError, match="share or count"):
        shares_of(5, "stages")
    with pytest.raises(ValueError, match="from 1 to 3, got 4; the language model has 4 layers"):
        scheduled(5, 4, [(4, 0.5)])


@pytest.mark.parametrize("masked", [False, True])
def test_rows_of_attention_are_those_of_the_full_matrix(masked):
    torch.manual_seed(0)
    query, key = torch.randn(4, 7, 8), torch.randn(2, 7, 8)
    mask = torch.ones(7, 7, dtype=torch.bool).tril()
    logits = torch.stack([query[h] @ key[h // 2].T * 0.3 for h in range(4)])
    want = logits.masked_fill(~mask, -torch.inf).softmax(-1).mean(0)
    rows = torch.tensor([6, 2])
    for form in (mask, torch.zeros(7, 7).masked_fill(~mask, torch.finfo(torch.float32).min)) if masked else (None,):
        near(AttentionHeads(query, key, 0.3, form).attention(rows), want[rows], "step")


def test_shares_that_do_not_divide_are_rounded_down():
    assert scheduled(7, 3, [(1, 0.5)]) == [7, 3, 3]
    assert scheduled(11, 4, [(1, 0.5), (2, 0.3)]) == [11, 5, 3, 3]
    assert scheduled(7, 3, [(1, 0.5)], budget=5) == [7, 4, 4]
