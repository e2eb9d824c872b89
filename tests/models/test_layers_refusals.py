"""The layers site: what is refused, and that faults are found."""

import pytest
import torch

import pyrascope as ps
from pyrascope.models import attach
from pyrascope.models.host import check_class
from pyrascope.models.layers import first_pass, later_pass
from pyrascope.models.layers.columns import Columns
from pyrascope.models.stock.decoder import layers_of
from pyrascope.models.verify.small.tiny import build, prompts
from tiny_dropped import dropped, failed
from tiny_models import model_of

pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("kind", ["qwen3_vl", "llava"])
def test_nothing_is_left_after_an_error(kind):
    model, inputs = model_of(kind), prompts(model_of(kind))
    before, stock = dict(vars(model)), model(**inputs).logits
    with pytest.raises(KeyError, match="mine"), dropped(model):
        raise KeyError("mine")
    with pytest.raises(ValueError, match="attached once at a time"), dropped(model), dropped(model):
        pass

    class Broken(ps.droppers.Random):
        def keep(self, stage, count):
            return ps.droppers.Kept(torch.arange(count + 1))

    with (
        pytest.raises(ValueError, match=r"must keep (12|32) rising tokens"),
        dropped(model, Broken({1: 0.5})),
    ):
        model(**inputs)
    assert vars(model).keys() == before.keys()
    assert not any(layer._forward_pre_hooks or layer._forward_hooks for layer in layers_of(model))
    assert {layer.self_attn.config._attn_implementation for layer in layers_of(model)} == {"sdpa"}
    assert torch.equal(model(**inputs).logits, stock)


def test_what_cannot_be_is_refused():
    model, inputs = model_of("llava"), prompts(model_of("llava"))
    with dropped(model):
        with pytest.raises(ValueError, match="cache that grows, got StaticCache"):
            model.generate(**dict(inputs), max_new_tokens=2, cache_implementation="static")
        with pytest.raises(ValueError, match="got prefill_chunk_size"):
            model.generate(**dict(inputs), max_new_tokens=2, prefill_chunk_size=8)
        with pytest.raises(ValueError, match="videos cannot yet"):
            model(**inputs, pixel_values_videos=torch.zeros(1))
        with pytest.raises(ValueError, match="placeholders and no image"):
            model(input_ids=inputs["input_ids"])
        with pytest.raises(ValueError, match="needs input_ids to find the images"):
            model(inputs_embeds=model.get_input_embeddings()(inputs["input_ids"]))
    trained = build("llava").train()
    layers_of(trained)[0].gradient_checkpointing = True
    with dropped(trained), pytest.raises(ValueError, match="got gradient checkpointing"):
        trained(**inputs)
    with pytest.raises(TypeError, match="got the class FastV"), attach(model, ps.droppers.FastV):
        pass
    flash = build("llava")
    for layer in layers_of(flash):
        layer.self_attn.config._attn_implementation_internal = "flash_attention_2"
    with pytest.raises(NotImplementedError, match="must be sdpa or eager here, got flash_attention_2"), dropped(flash):
        pass


def test_columns_take_and_put():
    keep = torch.tensor([[True, False, True, True], [False, False, True, False]])
    seen = Columns.of(keep)
    assert seen.at.tolist() == [[0, 2, 3], [-1, -1, 2]]
    values = torch.arange(16.0).reshape(2, 4, 2)
    taken = seen.take(values)
    assert torch.equal(taken[0], values[0, [0, 2, 3]])
    assert torch.equal(taken[1, 2], values[1, 2])
    put = seen.put(values, -taken - 1)
    assert torch.equal(put[keep], -values[keep] - 1)
    assert torch.equal(put[~keep], values[~keep])
    mask = seen.mask(None)
    assert mask[1, 0].tolist() == [[True, False, False], [False, True, False], [False, False, True]]
    stock = torch.ones(4, 4, dtype=torch.bool).tril()[None, None]
    assert torch.equal(seen.mask(stock), mask)


@pytest.mark.parametrize("fault", ["rotation", "mask", "put"])
def test_faults_are_found(monkeypatch, fault):
    """What a layer is given, and the way back, matter to the checks."""
    shorter, put = first_pass._shorter, Columns.put

    def unmoved(given, seen, length):
        cut = tuple(part[:, : seen.at.shape[1]] for part in given["position_embeddings"])
        return {**shorter(given, seen, length), "position_embeddings": cut}

    def everything(keys, queries, shown, window):
        return torch.ones(len(keys), 1, len(queries), keys.shape[1], dtype=torch.bool)

    if fault == "rotation":
        monkeypatch.setattr(first_pass, "_shorter", unmoved)
    elif fault == "mask":
        monkeypatch.setattr(later_pass, "later_mask", everything)
    else:
        monkeypatch.setattr(Columns, "put", lambda self, full, values: put(self, full, values.roll(1, 1)))
    assert "dropping equals masking" in failed(model_of("llava"))


def test_types_that_failed_are_refused_by_name(monkeypatch):
    model = build("llava")
    monkeypatch.setattr(model.config, "model_type", "unlimited_ocr")
    with pytest.raises(NotImplementedError, match="layers of unlimited_ocr"), attach(model, ps.droppers.PyramidDrop()):
        pass
    with pytest.raises(TypeError, match="alone and in a batch, got hunyuan_vl"):
        check_class(type(model), "hunyuan_vl")
