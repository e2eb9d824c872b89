"""The layers site: tokens that leave between layers."""

import dataclasses

import pytest
import torch
from torch.testing import assert_close

import pyrascope as ps
from pyrascope.models import reduce_inputs
from pyrascope.models.stock.attention_tap import tapped
from pyrascope.models.stock.decoder import layers_of
from pyrascope.models.verify.checks.check import generated
from pyrascope.models.verify.small import tiny
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, build, prompts
from tiny_dropped import PYRAMID, dropped, failed
from tiny_models import model_of
from tolerances import near

pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def lengths(model, inputs):
    """Tokens that each layer sees, padding included."""
    found = {}
    listeners = {
        layer.self_attn: lambda query, key, mask, factor, i=i: found.__setitem__(i, key.shape[2])
        for i, layer in enumerate(layers_of(model))
    }
    with tapped(listeners):
        model(**inputs)
    return [found[i] for i in sorted(found)]


@pytest.mark.parametrize("kind", RECIPES)
def test_all_checks_pass(kind):
    assert failed(model_of(kind)) == {}


@pytest.mark.parametrize("kind", ["gemma3", "llava"])
def test_full_attention_among_windows(monkeypatch, kind):
    """The masks of a decoding step are made for the first layer of their sort, which may hold fewer tokens here."""
    sorts = {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
    text = {"model_type": "gemma3_text" if kind == "gemma3" else "qwen2", "sliding_window": 16, **sorts}
    recipe = RECIPES[kind]

    def config():
        made = recipe.config()
        return {**made, "text_config": {**made["text_config"], "use_sliding_window": True, **text}}

    monkeypatch.setitem(tiny.RECIPES, kind, dataclasses.replace(recipe, config=config))
    model = build(kind)
    assert [layer.self_attn.sliding_window for layer in layers_of(model)] == [16, None, 16]
    assert failed(model) == {}


def test_layers_may_be_called_by_position():
    model = build("llava")
    kind = type(layers_of(model)[0])

    class ByPosition(kind):
        def __call__(self, hidden, attention_mask=None, position_ids=None, **more):
            return super().__call__(hidden, attention_mask, position_ids, **more)

    for layer in layers_of(model):
        layer.__class__ = ByPosition
    assert failed(model) == {}


@pytest.mark.compile
@pytest.mark.parametrize("what", ["language model", "forward"])
def test_compiled_code_does_not_pass_the_hooks_by(what):
    """Compiled code sees no hooks that come later; the graph is run as it is, which needs no C++ compiler."""
    model = build("llava")
    inputs = prompts(model, [0])
    with dropped(model):
        want = model(**inputs).logits[:, -1]
    maps = ps.probe(model, inputs)
    if what == "forward":
        model.forward = torch.compile(model.forward, backend="eager")
    else:
        model.model.language_model = torch.compile(model.model.language_model, backend="eager")
    stock = model(**inputs).logits[:, -1]
    assert not torch.allclose(stock, want, atol=0.01)
    with dropped(model):
        near(model(**inputs).logits[:, -1], want)
    near(ps.probe(model, inputs), maps)
    near(model(**inputs).logits[:, -1], stock)


def test_hooks_of_accelerate_stay():
    hooks = pytest.importorskip("accelerate.hooks")
    model = build("qwen3_vl")
    for part in (model, *layers_of(model)):
        hooks.add_hook_to_module(part, hooks.AlignDevicesHook(execution_device="cpu", io_same_device=True))
    own = model.forward
    assert failed(model) == {}
    assert model.forward is own


@pytest.mark.parametrize(
    "dropper", [ps.droppers.FastV(after=1), ps.droppers.SparseVLM(), ps.droppers.Random({1: 0.4})], ids=repr
)
@pytest.mark.parametrize("kind", ["paligemma", "qwen3_vl"])
def test_other_droppers_decode_alike(kind, dropper):
    model, inputs = model_of(kind), prompts(model_of(kind))
    with dropped(model, dropper):
        cached, tokens = generated(model, inputs)
        whole, same = generated(model, inputs, use_cache=False)
        alone = torch.cat([generated(model, prompts(model, [row]))[0] for row in (0, 1)])
    assert torch.equal(tokens, same)
    near(whole, cached, "transform")
    near(alone, cached, "transform")


def test_budgets_of_images_and_of_prompts():
    model = model_of("llava")
    inputs = prompts(model, [1])
    text = int(inputs["attention_mask"].sum()) - 128
    with dropped(model, budget=40):
        two = lengths(model, inputs)
    with dropped(model, budget=[40, 64]):
        one = lengths(model, inputs)
    with dropped(model, budget=80, share="prompt"):
        joint = lengths(model, inputs)
    schedule, both = PYRAMID.schedule(64, 3, 40), PYRAMID.schedule(128, 3, 80)
    assert two == [text + 2 * n for n in schedule]
    assert one == [text + n + 64 for n in schedule]
    assert joint == [text + n for n in both]
    with dropped(model, budget=[40, 64, 30]), pytest.raises(ValueError, match=r"one for each of the 2 images, got 3"):
        model(**inputs)
    with dropped(model, budget=10), pytest.raises(ValueError, match="from 22 to 64, got 10"):
        model(**inputs)


@pytest.mark.parametrize("kind", ["llava", "gemma3", "qwen2_5_vl"])
def test_the_rest_of_the_prompt_has_its_logits(kind):
    """Right padding and left padding are the same prompt; columns stay where they were."""
    model, left = model_of(kind), prompts(model_of(kind))
    names = [name for name, value in left.items() if value.shape == left["input_ids"].shape]
    shift = (left["attention_mask"] == 0).sum(1).tolist()
    right = {
        **left,
        **{name: torch.stack([row.roll(-n) for row, n in zip(left[name], shift, strict=True)]) for name in names},
    }
    with dropped(model):
        one, other = model(**left).logits, model(**right).logits
    stock = model(**left).logits
    assert one.shape == stock.shape
    for row, n in enumerate(shift):
        mine = one[row, n:][left["input_ids"][row, n:] != IMAGE]
        near(other[row, : len(one[row]) - n][left["input_ids"][row, n:] != IMAGE], mine, "transform")


@pytest.mark.parametrize("kind", ["llava", "qwen3_vl", "paligemma"])
def test_beams_and_samples(kind):
    model, inputs = model_of(kind), prompts(model_of(kind))
    options = {"max_new_tokens": 3, "do_sample": False, "num_beams": 3}
    stock = model.generate(**dict(inputs), **options)
    with dropped(model, ps.droppers.Scheduled({1: 1.0})):
        assert torch.equal(model.generate(**dict(inputs), **options), stock)
    with dropped(model):
        both = model.generate(**dict(inputs), **options)[:, -3:]
        alone = torch.cat([model.generate(**prompts(model, [row]), **options)[:, -3:] for row in (0, 1)])
        assert torch.equal(both, alone)
        assert model.generate(**dict(inputs), max_new_tokens=2, do_sample=True, num_return_sequences=2).shape[0] == 4
    with dropped(model, budget=[14, 4, 4] if kind == "qwen3_vl" else [40, 64, 50]):
        model.generate(**dict(inputs), **options)  # a budget an image, with copies of each prompt


def test_a_conversation_goes_on_from_the_cache():
    model, inputs = model_of("llava"), prompts(model_of("llava"))
    more = torch.tensor([[11, 12, 13], [14, 15, 16]])
    mask = torch.cat([inputs["attention_mask"], torch.ones_like(more)], 1)
    mask[0, -3] = 0
    place = (mask.cumsum(1) - 1).clamp(min=0)
    ids = torch.cat([inputs["input_ids"], more], 1)
    with dropped(model, ps.droppers.Random({1: 0.5, 2: 0.2})):
        cache = model(**inputs, position_ids=place[:, :-3]).past_key_values
        later = model(input_ids=more, attention_mask=mask, position_ids=place[:, -3:], past_key_values=cache).logits
        whole = model(
            input_ids=ids, attention_mask=mask, position_ids=place, pixel_values=inputs["pixel_values"]
        ).logits
        near(later[:, -1], whole[:, -1], "transform")
        cache.layers[1].crop(-1)
        with pytest.raises(ValueError, match="cache must be as the prompt left it"):
            model(input_ids=more[:, :1], past_key_values=cache)


def test_rows_without_padding_may_lose_different_numbers():
    model = model_of("llava")
    one = prompts(model, [0])
    two = {**one, "pixel_values": one["pixel_values"].flip(-1)}
    both = {name: torch.cat([one[name], two[name]]) for name in one}
    with dropped(model, budget=[30, 50]):
        together, _ = generated(model, both)
    alone = []
    for inputs, budget in ((one, 30), (two, 50)):
        with dropped(model, budget=budget):
            alone.append(generated(model, inputs)[0])
    near(together, torch.cat(alone), "transform")


def test_guesses_that_are_taken_back_change_nothing():
    """Prompt look-up runs several tokens at once and crops the cache."""
    model, inputs = model_of("qwen2_5_vl"), prompts(model_of("qwen2_5_vl"), [0])
    with dropped(model):
        plain = model.generate(**dict(inputs), max_new_tokens=8, do_sample=False)
        assert torch.equal(
            model.generate(**dict(inputs), max_new_tokens=8, do_sample=False, prompt_lookup_num_tokens=3), plain
        )


@pytest.mark.parametrize("backend", ["sdpa", "eager"])
def test_half_precision_is_near(backend):
    model, half = model_of("llava"), build("llava").bfloat16()
    half.set_attn_implementation(backend)
    inputs = prompts(model)
    with dropped(model, ps.droppers.Random({1: 0.3})):
        want = model(**inputs).logits[:, -1]
    with dropped(half, ps.droppers.Random({1: 0.3})):
        got = half(**{**inputs, "pixel_values": inputs["pixel_values"].bfloat16()}).logits[:, -1]
    assert_close(got.float(), want, atol=0.05, rtol=0)


def test_eager_attention_is_served_too():
    model, inputs = build("llava"), prompts(model_of("llava"))
    with dropped(model):
        want, _ = generated(model, inputs)
    model.set_attn_implementation("eager")
    for _ in range(2):
        with dropped(model):
            got, _ = generated(model, inputs)
        near(got, want, "transform")


def test_reduced_inputs_may_be_dropped_further():
    model, inputs = model_of("qwen2_5_vl"), prompts(model_of("qwen2_5_vl"))
    small, _ = reduce_inputs(model, inputs, ps.reducers.Random(), [10, 6, 4])
    with dropped(model, ps.droppers.Random({1: 0.5})):
        assert lengths(model, small)[1:] == [int((small["attention_mask"].sum(1) - torch.tensor([5, 5])).max())] * 2
        cached, _ = generated(model, small)
        whole, _ = generated(model, small, use_cache=False)
    near(whole, cached, "transform")


def test_text_beside_images_is_left_alone():
    model, inputs = model_of("llava"), prompts(model_of("llava"), [0])
    text = torch.tensor([[0] * (inputs["input_ids"].shape[1] - 4) + [5, 6, 7, 8]])
    both = {
        "input_ids": torch.cat([inputs["input_ids"], text]),
        "attention_mask": torch.cat([inputs["attention_mask"], (text > 0).long()]),
        "pixel_values": inputs["pixel_values"],
    }
    stock = model(input_ids=text[:, -4:]).logits[0]
    with dropped(model):
        near(model(**both).logits[1, -4:], stock, "transform")


def test_a_model_may_write_a_placeholder():
    model = build("llava")
    model.lm_head.weight[IMAGE] = 0
    model.lm_head.weight[IMAGE] = model(**prompts(model, [0]), output_hidden_states=True).hidden_states[-1][0, -1] * 9
    text = {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    options = {"max_new_tokens": 4, "do_sample": False}
    for inputs in (text, prompts(model, [0])):
        stock = model.generate(**dict(inputs), **options)
        with dropped(model, ps.droppers.Scheduled({1: 1.0})):
            assert torch.equal(model.generate(**dict(inputs), **options), stock)
        with dropped(model):
            got = model.generate(**dict(inputs), **options)
        assert got.shape == stock.shape
    assert int((stock[0, -4:] == IMAGE).sum()) > 0


def test_gradients_and_labels():
    model = build("llava")
    inputs = prompts(model)
    labels = inputs["input_ids"].masked_fill(inputs["input_ids"] == IMAGE, -100)
    with torch.enable_grad(), dropped(model, ps.droppers.SparseVLM()):
        model(**inputs, labels=labels).loss.backward()
    assert float(model.model.multi_modal_projector.linear_1.weight.grad.abs().sum()) > 0
    assert float(layers_of(model)[-1].mlp.up_proj.weight.grad.abs().sum()) > 0
