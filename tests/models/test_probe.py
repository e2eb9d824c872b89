"""The probe equals the attention weights that the model itself gives out, and leaves nothing behind."""

import dataclasses

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.models import probe, reduce_inputs
from pyrascope.models.look.probe import last_rows, without_trend
from pyrascope.models.stock.decoder import layers_of
from pyrascope.models.verify.small import tiny
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, TinyProcessor, build, prompts
from tolerances import near

TINY = TinyProcessor()
SEEING = [kind for kind in RECIPES if kind != "gemma3"]  # its windows are shorter than the prompts
GRIDS = {
    "internvl": [(4, 4)] * 3,
    "llava": [(8, 8)] * 3,
    "mistral3": [(4, 4), (4, 2), (2, 4)],
    "paligemma": [(8, 8)] * 3,
    "qwen2_5_vl": [(4, 6), (3, 2), (2, 4)],
    "qwen2_vl": [(4, 6), (3, 2), (2, 4)],
    "qwen3_vl": [(4, 6), (3, 2), (2, 4)],
}


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def eager(model, inputs):
    """Attention weights of the last token in each layer, mean over heads, by the model itself."""
    model.set_attn_implementation("eager")
    weights = model(**inputs, output_attentions=True).attentions
    model.set_attn_implementation("sdpa")
    return [one[:, :, -1].mean(1) for one in weights]


@pytest.mark.parametrize("kind", RECIPES)
def test_rows_are_the_weights_of_eager_attention(kind):
    model = build(kind)
    inputs = prompts(model)
    stock = model(**inputs).logits
    for layer, want in enumerate(eager(model, inputs)):
        near(last_rows(model, inputs, layer), want * inputs["attention_mask"], "transform")
    assert torch.equal(model(**inputs).logits, stock)


@pytest.mark.parametrize("kind", SEEING)
def test_maps_are_the_rows_at_each_image(kind):
    model = build(kind)
    inputs = prompts(model)
    before, stock = dict(vars(model)), model(**inputs).logits
    maps = probe(model, inputs, layer=1, processor=TINY)
    want = eager(model, inputs)[1]
    flat = [torch.cat([one.flatten() for one in part]) for part in (maps[:1], maps[1:])]
    for row in (0, 1):
        near(flat[row], want[row, inputs["input_ids"][row] == IMAGE], "transform")
    if kind in GRIDS:
        assert [tuple(one.shape) for one in maps] == GRIDS[kind]
    assert vars(model).keys() == before.keys()
    assert not any(layer._forward_pre_hooks for layer in layers_of(model))
    assert torch.equal(model(**inputs).logits, stock)
    assert len(maps) == 3
    alone = probe(model, prompts(model, [1]), layer=1, processor=TINY)
    for one, other in zip(maps[1:], alone, strict=True):
        near(one, other, "transform")


def test_no_layer_runs_after_the_one_in_question():
    model = build("llava")
    inputs, ran = prompts(model), []
    for i, layer in enumerate(layers_of(model)):
        layer.mlp.register_forward_hook(lambda module, args, output, i=i: ran.append(i))
    assert probe(model, inputs)[0].shape == (8, 8)  # 14 of 32 is layer 1 of 3
    assert ran == [0]
    probe(model, inputs, layer=0)
    assert ran == [0]


def test_a_question_against_a_generic_prompt():
    model = build("llava")
    inputs = prompts(model, [0])
    words = inputs["input_ids"].clone()
    words[0, -3:] = torch.tensor([40, 41, 42])
    generic = {"input_ids": words, "attention_mask": inputs["attention_mask"]}
    ratio = probe(model, inputs, layer=1, generic=generic)[0]
    asked = probe(model, inputs, layer=1)[0]
    plain = probe(model, {**inputs, **generic}, layer=1)[0]
    near(ratio, asked / plain)
    assert float(ratio.std()) > 0.01
    near(probe(model, inputs, layer=1, generic={**inputs, **generic})[0], ratio)
    near(probe(model, inputs, layer=1, generic=inputs)[0], torch.ones(8, 8))
    with pytest.raises(ValueError, match="must show the same images"):
        probe(model, prompts(model), generic=inputs)


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl", "qwen3_vl"])
def test_without_positions_order_does_not_matter(kind):
    """In the first layer nothing but positions tells where a token stands: shuffled text gives the same weights."""
    model = build(kind)
    inputs = prompts(model, [0])
    shuffled = dict(inputs)
    shuffled["position_ids"] = torch.randperm(inputs["input_ids"].shape[1], generator=torch.manual_seed(0))[None]
    found = last_rows(model, shuffled, 0, rotated=False)
    near(found, last_rows(model, inputs, 0, rotated=False))
    assert not torch.allclose(last_rows(model, shuffled, 0), last_rows(model, inputs, 0), atol=1e-4)
    assert probe(model, inputs, debias="positions")[0].shape == probe(model, inputs)[0].shape


def test_the_trend_of_recency_is_taken_out():
    content = torch.rand(200, generator=torch.manual_seed(0)) + 0.5
    tilted = content * torch.exp(0.02 * torch.arange(200))
    flat = without_trend(tilted)
    slope = np.polyfit(np.arange(200), flat.double().log().numpy(), 1)
    near(slope, np.zeros(2), size=1, dtype=torch.float32)
    assert np.corrcoef(flat, content)[0, 1] > 0.99 > 0.5 > np.corrcoef(tilted, content)[0, 1]
    assert without_trend(torch.tensor([0.0, 3.0])).tolist() == [0.0, 1.0]
    model = build("llava")
    inputs = prompts(model)
    plain, level = probe(model, inputs, layer=1), probe(model, inputs, layer=1, debias="trend")
    for one, other in zip(plain, level, strict=True):
        near(without_trend(one.flatten()), other.flatten())


def test_reduced_inputs_are_probed_at_their_positions():
    model = build("qwen2_5_vl")
    inputs = prompts(model)
    small, found = reduce_inputs(model, inputs, ps.reducers.Random(), [10, 6, 4])
    maps = probe(model, small, layer=1)
    assert [len(one) for one in maps] == [len(one.kept) for one in found] == [10, 6, 4]
    want = eager(model, small)[1]
    near(maps[0], want[0, small["input_ids"][0] == IMAGE])


def test_right_padding_looks_from_the_last_token_too():
    model = build("llava")
    left = prompts(model)
    n = int((left["attention_mask"][0] == 0).sum())
    right = {
        **left,
        **{name: torch.stack([left[name][0].roll(-n), left[name][1]]) for name in ("input_ids", "attention_mask")},
    }
    for one, other in zip(probe(model, left), probe(model, right), strict=True):
        near(one, other, "transform")


def test_what_cannot_be_seen_is_refused(monkeypatch):
    recipe = RECIPES["gemma3"]

    def config():
        made = recipe.config()
        kinds = ["sliding_attention", "full_attention", "sliding_attention"]
        return {**made, "text_config": {**made["text_config"], "layer_types": kinds}}

    monkeypatch.setitem(tiny.RECIPES, "gemma3", dataclasses.replace(recipe, config=config))
    model = build("gemma3")
    inputs = prompts(model)
    with pytest.raises(ValueError, match=r"got layer 2, whose window does not reach; choose one of \[1\]"):
        probe(model, inputs, layer=2)
    assert [tuple(one.shape) for one in probe(model, inputs, layer=1)] == [(4, 4)] * 3
    assert probe(model, {"input_ids": torch.tensor([[5, 6]])}) == []
    with pytest.raises(ValueError, match="layer must be a whole number from 0 to 2, got 3"):
        probe(model, inputs, layer=3)
    with pytest.raises(ValueError, match="debias must be one of"):
        probe(model, inputs, debias="all")
    dropping = ps.attach(model, ps.droppers.Random({1: 0.5}))
    with dropping, pytest.raises(ValueError, match="probe outside `attach`"):
        probe(model, inputs, layer=1)
    with pytest.raises(TypeError, match="must be a transformers model"):
        probe(torch.nn.Linear(1, 1), inputs)
