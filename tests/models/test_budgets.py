"""Budgets in numbers, ratios and lists: exact, or refused with the range."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pyrascope as ps
from pyrascope.models import attach, plan_inputs, reduce_inputs
from pyrascope.models.budgets import budget_from, budgets_of, tokens_asked
from pyrascope.models.verify.small.tiny import TinyProcessor, prompts
from tiny_models import model_of

COUNTS = st.lists(st.integers(1, 2000), min_size=1, max_size=5)


@given(st.integers(1, 10**6), st.integers(1, 999))
def test_a_ratio_is_rounded_half_up_from_its_decimals(count, thousandths):
    wanted = max((2 * thousandths * count + 1000) // 2000, 1)  # in whole numbers
    assert tokens_asked(thousandths / 1000, count) == wanted


@given(COUNTS, st.floats(0.001, 1))
def test_a_ratio_gives_each_image_its_share(counts, ratio):
    found = budgets_of(ratio, counts, [0] * len(counts), "image")
    assert all(1 <= tokens <= count for tokens, count in zip(found, counts, strict=True))
    exact = [max(Fraction(str(ratio)) * count, 1) for count in counts]
    assert all(abs(tokens - share) <= Fraction(1, 2) for tokens, share in zip(found, exact, strict=True))
    assert budgets_of(1.0, counts, [0] * len(counts), "image") == counts
    assert budgets_of(1, counts, [0] * len(counts), "image") == [1] * len(counts)


@given(COUNTS, st.floats(0.001, 1))
def test_a_ratio_of_a_prompt_is_one_of_all_its_tokens(counts, ratio):
    found = budgets_of(ratio, counts, [0] * len(counts), "prompt")
    assert sum(found) == max(tokens_asked(ratio, sum(counts)), len(counts))
    assert all(1 <= tokens <= count for tokens, count in zip(found, counts, strict=True))


@given(COUNTS, st.integers(1, 3000))
def test_at_most_takes_what_there_is(counts, budget):
    assert budgets_of(budget, counts, [0] * len(counts), "image", at_most=True) == [min(budget, n) for n in counts]
    if budget >= len(counts):
        found = budgets_of(budget, counts, [0] * len(counts), "prompt", at_most=True)
        assert sum(found) == min(budget, sum(counts))


@pytest.mark.parametrize("ratio", [0.0, -0.5, 1.5, float("nan"), float("inf")])
def test_ratios_out_of_range_are_refused(ratio):
    with pytest.raises(ValueError, match=r"a ratio above 0 and up to 1\.0, got .*; write 64 for 64 tokens"):
        budgets_of(ratio, [5], [0], "image")


def test_what_a_text_says():
    assert [budget_from(text) for text in ("64", "0.5", "1.0", "1")] == [64, 0.5, 1.0, 1]
    assert [type(budget_from(text)) for text in ("1", "1.0")] == [int, float]
    with pytest.raises(ValueError, match=r"a whole number of tokens or a ratio such as 0\.25, got 'many'"):
        budget_from("many")


@torch.no_grad()
def test_models_take_ratios_and_at_most_at_every_site():
    pytest.importorskip("transformers")
    model, tiny = model_of("qwen2_vl"), TinyProcessor()
    inputs = prompts(model)  # of 24, 6 and 8 tokens
    _, kept = reduce_inputs(model, inputs, ps.reducers.DivPrune(), 0.25, processor=tiny)
    assert [len(one.kept) for one in kept] == [6, 2, 2]
    _, plans = plan_inputs(model, inputs, ps.methods.RateDistortion(aspect=1), 7, at_most=True)
    assert [plan.tokens for plan in plans] == [7, 6, 7]
    with pytest.raises(ValueError, match="budget must be a whole number from 1 to 6, got 7"):
        plan_inputs(model, inputs, ps.methods.RateDistortion(aspect=1), 7)
    dropper, layers = ps.droppers.PyramidDrop(), model.config.get_text_config().num_hidden_layers
    with attach(model, dropper, 0.75, processor=tiny) as held:
        held(**inputs)
        assert [len(kept) for kept in held.kept] == [
            dropper.schedule(n, layers, asked)[-1] for n, asked in ((24, 18), (6, 5), (8, 6))
        ]
    with attach(model, ps.reducers.DivPrune(), 7, processor=tiny, at_most=True) as held:
        held(**inputs)
        assert [len(kept) for kept in held.kept] == [7, 6, 7]
