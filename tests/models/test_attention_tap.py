import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.models.stock.attention_tap import tapped
from pyrascope.models.verify.small.tiny import RECIPES, build, prompts


def attentions(model):
    return [part for part in model.modules() if "Attention" in type(part).__name__ and hasattr(part, "config")]


@pytest.mark.parametrize("backend", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", RECIPES)
@torch.no_grad()
def test_listening_changes_nothing(kind, backend):
    model = build(kind)
    model.set_attn_implementation(backend)
    inputs, heard = prompts(model), {}
    stock = model(**inputs).logits
    listeners = {
        part: lambda query, key, mask, factor, part=part: heard.setdefault(part, (query, key))
        for part in attentions(model)
    }
    with tapped(listeners), tapped({attentions(model)[0]: lambda *given: heard.setdefault("inner", given)}):
        assert torch.equal(model(**inputs).logits, stock)
    assert set(heard) == {*listeners, "inner"}
    assert all(query.shape[-1] == key.shape[-1] for query, key in (heard[part] for part in listeners))
    assert {part.config._attn_implementation for part in listeners} == {backend}
    heard.clear()
    with tapped({attentions(model)[-1]: lambda *given: heard.setdefault("later", given)}):
        assert torch.equal(model(**inputs).logits, stock)
    assert set(heard) == {"later"}
    heard.clear()
    assert torch.equal(model(**inputs).logits, stock)
    assert not heard


@torch.no_grad()
def test_a_model_that_shares_the_config_is_not_heard_and_an_error_restores():
    model = build("llava")
    other = type(model)(model.config).eval()
    heard = []

    def refuse(*given):
        heard.append(given)
        raise KeyError("mine")

    first = model.base_model.language_model.layers[0].self_attn
    with tapped({first: refuse}):
        other(**prompts(other))
        assert not heard
        with pytest.raises(KeyError, match="mine"):
            model(**prompts(model))
    assert first.config._attn_implementation == "sdpa"
    model(**prompts(model))
    assert len(heard) == 1


def test_what_cannot_be_tapped_is_named():
    with pytest.raises(NotImplementedError, match="Linear"), tapped({torch.nn.Linear(1, 1): print}):
        pass
    model = build("llava")
    first = model.base_model.language_model.layers[0].self_attn
    first.config._attn_implementation_internal = "mystery"
    with pytest.raises(NotImplementedError, match="got mystery"), tapped({first: print}):
        pass
