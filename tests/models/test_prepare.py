"""On every family: the full budget is the stock model, a smaller one is exact and the same for a row alone."""

from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

pytest.importorskip("transformers")

from pyrascope.methods import RateDistortion
from pyrascope.models import attach, reduce_inputs
from pyrascope.models.stock.encode import tower_arguments
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, TinyProcessor, build, prompts
from tiny_models import at_site, model_of
from tolerances import near

TINY = TinyProcessor()


@at_site("features")
def even(features, budget):
    kept = torch.arange(budget) * len(features) // budget
    return SimpleNamespace(kept=kept, features=features[kept])


@pytest.fixture(params=RECIPES)
def model(request):
    with torch.no_grad():
        yield model_of(request.param)


def generated(model, inputs, **more):
    out = model.generate(
        **dict(inputs), max_new_tokens=4, do_sample=False, return_dict_in_generate=True, output_logits=True, **more
    )
    return torch.stack(out.logits, 1), out.sequences


def full_counts(model):
    counts = []
    reduce_inputs(
        model, prompts(model), at_site("features")(lambda f, b: counts.append(len(f)) or even(f, b)), 1, processor=TINY
    )
    return counts


@pytest.mark.parametrize("positions", ["original", "compact"])
def test_full_budget_is_stock(model, positions):
    inputs, counts = prompts(model), full_counts(model)
    small, _ = reduce_inputs(model, inputs, even, counts, processor=TINY, positions=positions)
    assert torch.equal(small["input_ids"], inputs["input_ids"])
    near(model(**small).logits[:, -1], model(**inputs).logits[:, -1], "transform")
    want, sequences = generated(model, inputs)
    got, same = generated(model, small)
    assert torch.equal(same, sequences)
    near(got, want)
    assert len(torch.unique(want[0, 0])) > 50  # logits that are tied would prove nothing


@pytest.mark.parametrize("positions", ["original", "compact"])
def test_small_budget_is_exact_and_rows_do_not_mix(model, positions):
    options = {"processor": TINY, "positions": positions}
    small, found = reduce_inputs(model, prompts(model), even, [5, 3, 4], **options)
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == [5, 7]
    assert [len(one.kept) for one in found] == [5, 3, 4]
    batch, sequences = generated(model, small)
    uncached, same = generated(
        model, reduce_inputs(model, prompts(model), even, [5, 3, 4], **options)[0], use_cache=False
    )
    assert torch.equal(sequences, same)
    near(uncached, batch, "transform")
    for row, budget in ((0, [5]), (1, [3, 4])):
        alone, _ = generated(model, reduce_inputs(model, prompts(model, [row]), even, budget, **options)[0])
        near(batch[row : row + 1], alone, "transform")


def test_attached_and_restored(model):
    inputs, before = prompts(model), dict(vars(model))
    stock = model(**inputs).logits
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    length = inputs["input_ids"].shape[1]
    want, sequences = generated(model, reduce_inputs(model, inputs, even, 4, processor=TINY)[0])
    for _ in range(2):
        with attach(model, even, budget=4, processor=TINY):
            got, whole = generated(model, inputs)
            assert_close(got, want, atol=0, rtol=0)
            assert torch.equal(whole[:, :length], inputs["input_ids"])
            assert torch.equal(whole[:, length:], sequences[:, -4:])
            assert model(**inputs).logits.shape[1] < length
    with pytest.raises(KeyError, match="mine"), attach(model, even, budget=4, processor=TINY):
        raise KeyError("mine")
    assert vars(model).keys() == before.keys()
    assert torch.equal(model(**inputs).logits, stock)
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name])


def test_prompt_share_is_exact(model):
    small, _ = reduce_inputs(model, prompts(model), even, 6, processor=TINY, share="prompt")
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == [6, 6]


def test_bad_input_is_refused():
    model = model_of("llava")
    inputs = prompts(model)
    with pytest.raises(ValueError, match="from 1 to 64, got 65"):
        reduce_inputs(model, inputs, even, 65)
    with pytest.raises(TypeError, match="must be a reducer"):
        reduce_inputs(model, inputs, RateDistortion(), 4)
    with pytest.raises(ValueError, match="videos cannot yet"):
        reduce_inputs(model, {**inputs, "pixel_values_videos": torch.zeros(1)}, even, 4)
    with pytest.raises(ValueError, match="placeholders and no image"):
        reduce_inputs(model, {"input_ids": inputs["input_ids"]}, even, 4)
    with pytest.raises(ValueError, match="192 placeholders for 128 features"):
        reduce_inputs(model, {**inputs, "pixel_values": inputs["pixel_values"][:2]}, even, 4)
    with pytest.raises(ValueError, match="reduced twice"):
        reduce_inputs(model, reduce_inputs(model, inputs, even, 4)[0], even, 4)
    with pytest.raises(ValueError, match="must return 4 rising rows"):
        reduce_inputs(model, inputs, at_site("features")(lambda f, b: even(f, b - 1)), 4)


def test_text_passes_through_and_an_unknown_model_is_named():
    model = model_of("llava")
    text = {"input_ids": torch.tensor([[5, 6, 7]])}
    same, found = reduce_inputs(model, text, even, 4)
    assert same["input_ids"] is text["input_ids"]
    assert found == []
    with pytest.raises(TypeError, match=r"LlamaForCausalLM.*qwen3_vl"):
        reduce_inputs(type("LlamaForCausalLM", (), {})(), text, even, 4)


def test_gradients_reach_the_projector():
    model = build("llava")
    inputs = prompts(model)
    labels = inputs["input_ids"].masked_fill(inputs["input_ids"] == IMAGE, -100)
    small, _ = reduce_inputs(model, {**inputs, "labels": labels}, even, 4)
    model(**small).loss.backward()
    assert float(model.model.multi_modal_projector.linear_1.weight.grad.abs().sum()) > 0


def test_positions_are_those_of_the_full_prompt_or_close_up(model):
    """By hand, token by token: found again in the full prompt by its place among the placeholders."""
    inputs = prompts(model)
    original, found = reduce_inputs(model, inputs, even, [2, 2, 3], processor=TINY)
    compact, _ = reduce_inputs(model, inputs, even, [2, 2, 3], processor=TINY, positions="compact")
    counts = full_counts(model)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    if hasattr(model.base_model, "get_rope_index"):
        names = ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")
        stock = model.base_model.get_rope_index(**{name: inputs[name] for name in names})[0]
    else:
        stock = (mask.cumsum(1) - 1)[None]
    for row, images in ((0, [0]), (1, [1, 2])):
        kept = {s for s in range(ids.shape[1]) if mask[row, s] and ids[row, s] != IMAGE}
        places = (ids[row] == IMAGE).nonzero().flatten().tolist()
        for image in images:
            kept |= {places[k] for k in found[image].kept.tolist()}
            places = places[counts[image] :]
        shown = original["attention_mask"][row].bool()
        want = stock[:, row, sorted(kept)]
        got = [out["position_ids"].reshape(-1, *out["position_ids"].shape[-2:])[:, row, shown]
               for out in (original, compact)]  # fmt: skip
        assert torch.equal(got[0][-len(stock) :], want)
        values = sorted(set(want.flatten().tolist()))
        assert got[1][-len(stock) :].tolist() == [[values.index(v) for v in axis] for axis in want.tolist()]


def test_beams_agree_with_stock_or_are_refused(model):
    inputs, options = prompts(model), {"max_new_tokens": 3, "num_beams": 2, "do_sample": False}
    stock = model.generate(**dict(inputs), **options)
    counts = full_counts(model)
    with attach(model, even, budget=counts, processor=TINY):
        assert torch.equal(model.generate(**dict(inputs), **options), stock)
    if not isinstance(model.base_model.get_image_features(**images_of(model, inputs)).pooler_output, torch.Tensor):
        return
    with attach(model, even, budget=[5, 3, 4]), pytest.raises(ValueError, match="several beams"):
        model.generate(**dict(inputs), **options)


def images_of(model, inputs):
    return {name: inputs[name] for name in tower_arguments(model) if name in inputs} | {"return_dict": True}
