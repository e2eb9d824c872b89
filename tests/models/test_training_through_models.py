"""Gradients, losses, adapters and hooks through a model with fewer visual tokens."""

import warnings

import pytest
import torch

from pyrascope.methods.reducers import DART, DivPrune, ToMe, VisionZip
from pyrascope.models import attach, reduce_inputs
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, build, prompts
from tiny_models import at_site, model_of
from tiny_reduced import BUDGET, FEW, TINY, generated, method_of, reduced, same
from tolerances import near

pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(params=RECIPES)
def model(request):
    return model_of(request.param)


@pytest.fixture(params=FEW)
def one_of_few(request):
    return model_of(request.param)


@pytest.mark.parametrize("method", [VisionZip(), DivPrune(), ToMe()], ids=repr)
def test_gradients_reach_the_tower(model, method):
    inputs = prompts(model)
    shown = (inputs["attention_mask"] == 1) & (inputs["input_ids"] != IMAGE)
    inputs["labels"] = inputs["input_ids"].where(shown, -100)
    tower = next(p for name, p in model.named_parameters() if ("patch" in name or "stem" in name) and "weight" in name)
    if isinstance(method, VisionZip) and not isinstance(method_of(model), VisionZip):
        with pytest.raises(NotImplementedError, match="needs attention"):
            reduced(model, inputs, method)
        return
    with torch.enable_grad():
        by_hand = model(**reduced(model, inputs, method)).loss
        by_hand.backward()
    want, tower.grad = tower.grad.clone(), None
    model.zero_grad()
    assert float(want.abs().sum()) > 0
    with torch.enable_grad(), attach(model, method, BUDGET, processor=TINY):
        loss = model(**inputs).loss
        loss.backward()
    near(loss, by_hand)
    near(tower.grad, want)
    model.zero_grad()


def test_the_loss_is_that_of_the_text(one_of_few):
    """Labels go with their tokens: at the full budget the loss is stock's."""
    model = one_of_few
    inputs = prompts(model)
    shown = (inputs["attention_mask"] == 1) & (inputs["input_ids"] != IMAGE)
    inputs["labels"] = inputs["input_ids"].where(shown, -100)
    counts = []
    reduce_inputs(
        model, inputs, at_site("features")(lambda f, b: counts.append(len(f)) or DART()(f, b)), 1, processor=TINY
    )
    near(model(**reduced(model, inputs, budget=counts)).loss, model(**inputs).loss)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", FEW)
def test_adapters_of_peft(kind):
    peft = pytest.importorskip("peft")
    inner = build(kind)
    torch.manual_seed(0)
    lora = peft.LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model = peft.get_peft_model(inner, lora).eval()
    inputs = prompts(inner)
    small = reduced(model, inputs)
    want = generated(model, small)
    with attach(model, method_of(model), BUDGET, processor=TINY) as given:
        assert given is model
        same(generated(model, inputs), want)
        assert torch.equal(model(**inputs).logits, model.get_base_model()(**inputs).logits)
        assert model(**inputs).logits.shape[1] == small["input_ids"].shape[1]
    assert not torch.equal(want[0], generated(build(kind), reduced(build(kind), inputs))[0])
    assert model(**inputs).logits.shape[1] == inputs["input_ids"].shape[1]
    shown = (inputs["attention_mask"] == 1) & (inputs["input_ids"] != IMAGE)
    with torch.enable_grad(), attach(model, method_of(model), BUDGET, processor=TINY):
        model.train()
        model(**inputs, labels=inputs["input_ids"].where(shown, -100)).loss.backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if "lora_A" in name and "layers.0" in name)


def test_adapters_that_write_into_the_prompt_are_refused():
    peft = pytest.importorskip("peft")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuning = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2, num_layers=3, token_dim=64)
        tuning.num_attention_heads = 4
        model = peft.get_peft_model(build("llava"), tuning)
    with pytest.raises(TypeError, match="got one that writes into the prompt"):
        reduced(model, prompts(model.get_base_model()))


def test_hooks_of_accelerate_stay(one_of_few):
    hooks = pytest.importorskip("accelerate.hooks")
    model = build(one_of_few.config.model_type)
    calls = []

    class Counting(hooks.ModelHook):
        def pre_forward(self, module, *args, **kwargs):
            calls.append(module)
            return args, kwargs

    want = generated(model, reduced(model, prompts(model)))
    hooks.add_hook_to_module(model, Counting())
    before = dict(vars(model))
    with attach(model, method_of(model), BUDGET, processor=TINY):
        same(generated(model, prompts(model)), want)
    assert len(calls) == 4
    assert vars(model).keys() == before.keys()
    assert vars(model)["forward"] is before["forward"]


@pytest.mark.parametrize("how", ["cpu_offload", "dispatch_model"])
def test_models_that_accelerate_has_placed(one_of_few, how):
    accelerate = pytest.importorskip("accelerate")
    kind = one_of_few.config.model_type
    want = generated(one_of_few, reduced(one_of_few, prompts(one_of_few)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if how == "cpu_offload":
            model = accelerate.cpu_offload(build(kind), execution_device=torch.device("cpu"))
        else:
            model = accelerate.dispatch_model(build(kind), {"": "cpu"}, force_hooks=True)
    with attach(model, method_of(model), BUDGET, processor=TINY):
        same(generated(model, prompts(model)), want)
