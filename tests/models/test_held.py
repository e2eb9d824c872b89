"""What a block of `attach` says about its calls, and two sites at once."""

import pytest
import torch

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.allocation.budgets.cost import Decoder, flops, staged
from pyrascope.models import attach, reduce_inputs
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, TinyProcessor, prompts
from tiny_models import TEXT, model_of, nested, pictures, tiny_processor
from tolerances import near

TINY = TinyProcessor()
DROPPER = ps.droppers.PyramidDrop()


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def test_plans_and_what_is_left_of_each_image():
    model, processor = model_of("llava"), tiny_processor()
    with attach(model, ps.methods.RateDistortion(aspect=1), 9, processor=processor) as held:
        assert (held.plans, held.kept, held.budget, held.cost) == ([], [], 9, None)
        inputs = processor(images=nested(pictures()), text=TEXT, return_tensors="pt", padding=True)
        held.generate(**inputs, max_new_tokens=2)
        assert [plan.tokens for plan in held.plans] == [9, 9, 9]
        assert [plan.image_size for plan in held.plans] == [(120, 180), (64, 64), (256, 200)]
        assert [(kept.dtype, len(kept)) for kept in held.kept] == [(torch.int64, 9)] * 3
        assert all(bool((kept.diff() > 0).all()) and int(kept[-1]) < 64 for kept in held.kept)
        held.budget = [4, 5, 6]
        held.generate(**inputs, max_new_tokens=2)
        assert [plan.tokens for plan in held.plans] == [4, 5, 6] == list(map(len, held.kept))
    assert not {"plans", "kept", "budget", "cost"} & set(vars(model))


@pytest.mark.parametrize("kind", RECIPES)
def test_what_is_kept_of_features_are_the_reducers_rows(kind):
    model = model_of(kind)
    inputs = prompts(model)
    _, reductions = reduce_inputs(model, inputs, ps.reducers.DivPrune(), [5, 3, 4], processor=TINY)
    with attach(model, ps.reducers.DivPrune(), [5, 3, 4], processor=TINY) as held:
        held(**inputs)
        assert held.plans == []
        assert all(torch.equal(kept, reduction.kept) for kept, reduction in zip(held.kept, reductions, strict=True))


def test_what_is_kept_of_pixels_are_the_placeholders_that_stand_in_the_prompt():
    """Tokens of plans take placeholders near the stock tokens that they stand for: of a full row of one view, all."""
    model, processor = model_of("llava"), tiny_processor()
    with attach(model, ps.methods.Uniform(), 64, processor=processor) as held:
        held(**processor(images=pictures()[:1], text=TEXT[0], return_tensors="pt"))
        assert torch.equal(held.kept[0], torch.arange(64))
    with attach(model, ps.methods.Uniform(), 4, processor=processor) as held:
        held(**processor(images=pictures()[:1], text=TEXT[0], return_tensors="pt"))
        rows, columns = held.kept[0] // 8, held.kept[0] % 8
        assert sorted(set(rows.tolist())) == [2, 6]  # the centres of two rows of two boxes, in rows of eight
        assert len(set(columns.tolist())) >= 2


def test_the_cost_is_that_of_the_last_prefill():
    model = model_of("llava")
    decoder, inputs = Decoder.from_config(model.config.to_dict()), prompts(model)
    text = [
        int((row != IMAGE).sum()) - int((mask == 0).sum())
        for row, mask in zip(*(inputs[n] for n in ("input_ids", "attention_mask")), strict=True)
    ]
    with attach(model, ps.reducers.DivPrune(), [5, 3, 4], processor=TINY) as held:
        held(**inputs)
        wanted = sum(flops(decoder, staged(decoder, n), other) for n, other in zip((5, 7), text, strict=True))
        assert held.cost == wanted
    with attach(model, DROPPER, processor=TINY) as held:
        held(**inputs)
        counts = [DROPPER.schedule(64, decoder.layers) for _ in range(3)]
        prompts_ = (counts[0], [a + b for a, b in zip(*counts[1:], strict=True)])
        assert held.cost == sum(flops(decoder, layers, other) for layers, other in zip(prompts_, text, strict=True))
        assert list(map(len, held.kept)) == [counts[0][-1]] * 3


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl", "smolvlm"])
def test_two_sites_at_once_are_one_after_the_other(kind):
    model, budget, first = model_of(kind), [8, 5, 6], ps.reducers.DivPrune()
    inputs, options = prompts(model), {"max_new_tokens": 3, "do_sample": False}
    small, _ = reduce_inputs(model, inputs, first, budget, processor=TINY)
    with attach(model, DROPPER, processor=TINY):
        wanted, new = model(**small).logits[:, -1], model.generate(**small, **options)[:, -3:]
    with attach(model, ps.compose(first, DROPPER), budget, processor=TINY) as held:
        near(held(**inputs).logits[:, -1], wanted)
        assert torch.equal(held.generate(**inputs, **options)[:, -3:], new)
        assert list(map(len, held.kept)) == budget


def test_plans_before_the_tower_go_with_droppers():
    model, processor = model_of("llava"), tiny_processor()
    with attach(model, ps.compose(ps.methods.TwoLevels(), DROPPER), 9, processor=processor) as held:
        held(**processor(images=nested(pictures()), text=TEXT, return_tensors="pt", padding=True))
        assert [plan.tokens for plan in held.plans] == list(map(len, held.kept)) == [9, 9, 9]
        composed = held.cost
    with attach(model, budget=9, processor=processor) as held:
        held(**processor(images=nested(pictures()), text=TEXT, return_tensors="pt", padding=True))
        assert composed < held.cost


def test_a_pair_of_budgets_sets_both():
    model = model_of("llava")
    inputs = prompts(model, [0])
    with attach(model, ps.compose(ps.reducers.DivPrune(), DROPPER), (16, 10), processor=TINY) as held:
        pair = held(**inputs).logits[:, -1]
        assert list(map(len, held.kept)) == [16]
        held.budget = 16
        assert not torch.equal(held(**inputs).logits[:, -1], pair)
    small, _ = reduce_inputs(model, inputs, ps.reducers.DivPrune(), 16)
    with attach(model, DROPPER, 10):
        near(model(**small).logits[:, -1], pair)


def test_what_cannot_be_composed_is_refused():
    with pytest.raises(TypeError, match="the second of two composed methods must be a dropper, got DivPrune"):
        ps.compose(ps.reducers.DivPrune(), ps.reducers.DivPrune())
    with pytest.raises(TypeError, match="the first of two composed methods must be an allocator or a reducer, got Pyr"):
        ps.compose(DROPPER, DROPPER)
    with pytest.raises(TypeError, match="use attach"):
        ps.prepare(
            model_of("llava"),
            tiny_processor(),
            None,
            "what",
            method=ps.compose(ps.reducers.DivPrune(), DROPPER),
            budget=3,
        )
    with (
        attach(model_of("llava"), DROPPER),
        pytest.raises(ValueError, match=r"ps\.compose puts two on a model"),
    ):
        attach(model_of("llava"), ps.reducers.DivPrune(), 3).__enter__()
