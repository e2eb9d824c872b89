"""What users do beside the plain call: padding, search, caches, training, wrapped and hooked models, wrong input."""

import warnings
from dataclasses import fields
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.methods import Resize
from pyrascope.methods.droppers import PyramidDrop
from pyrascope.methods.reducers import DART, DivPrune, FasterVLM, ToMe, VisionZip
from pyrascope.models import attach, prepare, reduce_inputs
from pyrascope.models.options import TAKEN, PixelOptions
from pyrascope.models.sites import PIXELS
from pyrascope.models.stock.support import transformers
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, TinyProcessor, build, prompts
from tiny_models import at_site, model_of
from tolerances import near

TINY = TinyProcessor()
BUDGET = [5, 3, 4]
FEW = ["llava", "qwen2_5_vl", "smolvlm"]
"""One of each kind: a list of features, M-RoPE with windows, tiles."""


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


def method_of(model):
    """One that reads what the tower attends to, if it attends to anything."""
    return DivPrune() if model.config.model_type == "fast_vlm" else VisionZip()


def reduced(model, inputs, method=None, budget=BUDGET, **options):
    return reduce_inputs(model, inputs, method or method_of(model), budget, processor=TINY, **options)[0]


def generated(model, inputs, **more):
    given = {"max_new_tokens": 4, "do_sample": False, "return_dict_in_generate": True, "output_logits": True, **more}
    out = model.generate(**dict(inputs), **given)
    return torch.stack(out.logits, 1), out.sequences


def same(found, want):
    near(found[0], want[0], "transform")
    assert torch.equal(found[1][:, -4:], want[1][:, -4:])


def padded_right(inputs):
    out = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, torch.Tensor) and value.shape == inputs["input_ids"].shape:
            shifts = (inputs["attention_mask"] == 0).sum(1).tolist()
            out[name] = torch.stack([row.roll(-shift) for row, shift in zip(value, shifts, strict=True)])
    return out


def test_right_padding_is_left_padding(model):
    left, right = reduced(model, prompts(model)), reduced(model, padded_right(prompts(model)))
    last = right["attention_mask"].sum(1) - 1
    assert right["attention_mask"][:, 0].all()
    got = model(**right).logits[torch.arange(2), last]
    near(got, model(**left).logits[:, -1], "transform")


def test_a_missing_mask_shows_every_token(model):
    inputs = prompts(model, [1])
    bare = {name: value for name, value in inputs.items() if name != "attention_mask"}
    want = generated(model, reduced(model, inputs, budget=[3, 4]))
    same(generated(model, reduced(model, bare, budget=[3, 4])), want)
    with attach(model, method_of(model), [3, 4], processor=TINY):
        same(generated(model, bare), want)


def test_beams_are_those_of_each_prompt_alone(model):
    options = {"max_new_tokens": 4, "num_beams": 3, "do_sample": False}
    with attach(model, method_of(model), 4, processor=TINY):
        together = model.generate(**prompts(model), **options)[:, -4:]
        alone = [model.generate(**prompts(model, [row]), **options)[:, -4:] for row in (0, 1)]
    assert torch.equal(together, torch.cat(alone))


def test_a_seed_draws_the_same_samples(one_of_few):
    model = one_of_few
    options = {"max_new_tokens": 6, "do_sample": True, "temperature": 2.0}
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        with attach(model, method_of(model), BUDGET, processor=TINY):
            draws.append(model.generate(**prompts(model), **options)[:, -6:])
    torch.manual_seed(1)
    by_hand = model.generate(**reduced(model, prompts(model)), **options)[:, -6:]
    assert torch.equal(draws[0], draws[1])
    assert torch.equal(draws[0], by_hand)
    assert not torch.equal(draws[0], draws[2])
    with attach(model, method_of(model), 4, processor=TINY):
        several = model.generate(**prompts(model), **options, num_return_sequences=3)
    assert len(several) == 6
    assert torch.equal(several[:3, : prompts(model)["input_ids"].shape[1]], prompts(model)["input_ids"][[0, 0, 0]])


def test_a_static_cache_is_a_growing_one(model):
    want = generated(model, reduced(model, prompts(model)))
    with attach(model, method_of(model), BUDGET, processor=TINY):
        same(generated(model, prompts(model), cache_implementation="static"), want)


def test_a_prompt_in_parts_is_one_in_one_piece_or_refused(model):
    want = generated(model, reduced(model, prompts(model)))
    with attach(model, method_of(model), BUDGET, processor=TINY):
        if model.config.model_type in ("gemma3", "paligemma"):
            with pytest.raises(ValueError, match="needs a prompt in one piece"):
                generated(model, prompts(model), prefill_chunk_size=4)
            return
        if tuple(map(int, transformers().__version__.split(".")[:2])) < (5, 23):  # it forgets the images' features
            with pytest.raises(ValueError, match="in parts need transformers >="):
                generated(model, prompts(model), prefill_chunk_size=4)
            return
        same(generated(model, prompts(model), prefill_chunk_size=4), want)


def test_guessing_ahead_changes_nothing(one_of_few):
    model = one_of_few
    with attach(model, DART(), [3, 4], processor=TINY):
        want = generated(model, prompts(model, [1]))
        same(generated(model, prompts(model, [1]), prompt_lookup_num_tokens=2), want)


def test_limits_of_length_count_the_whole_prompt(one_of_few):
    from transformers import GenerationConfig

    model = one_of_few
    inputs = prompts(model)
    length = inputs["input_ids"].shape[1]
    config = GenerationConfig(max_length=length + 3, pad_token_id=0, do_sample=False)
    with attach(model, DART(), BUDGET, processor=TINY):
        assert model.generate(**inputs, max_length=length + 3).shape[1] == length + 3
        assert model.generate(**inputs, generation_config=config).shape[1] == length + 3
    assert config.max_length == length + 3


def test_limits_of_the_models_own_config_count_the_whole_prompt():
    model = build("llava")
    inputs = prompts(model, [0])
    length = inputs["input_ids"].shape[1]
    from transformers import GenerationConfig

    own = model.generation_config
    own.max_length, own.do_sample = length + 3, False
    calls = ({}, {"generation_config": GenerationConfig(pad_token_id=0, do_sample=False)}, {"max_new_tokens": 2})
    for call in calls:
        want = model.generate(**inputs, **call).shape
        with attach(model, DART(), 5, processor=TINY):
            assert model.generate(**inputs, **call).shape == want
    assert own.max_length == length + 3
    own.max_length, own.min_length, own.eos_token_id = None, length - 5, list(range(100))
    want = model.generate(**inputs, max_new_tokens=30).shape
    with attach(model, DART(), 5, processor=TINY):
        assert model.generate(**inputs, max_new_tokens=30).shape == want


@pytest.mark.parametrize("method", [DART(), PyramidDrop()], ids=repr)
def test_generate_takes_its_arguments_by_position(method):
    from transformers import GenerationConfig

    model = model_of("llava")
    inputs = prompts(model, [0])
    config = GenerationConfig(max_new_tokens=3, do_sample=False, pad_token_id=0)
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    with attach(model, method, 30, processor=TINY):
        want = model.generate(**inputs, generation_config=config)
        assert torch.equal(model.generate(inputs["input_ids"], config, **rest), want)
        text = torch.tensor([[5, 6, 7]])
        assert torch.equal(model.generate(text, config), model.generate(input_ids=text, generation_config=config))
        with pytest.raises(TypeError, match="input_ids must be a tensor"):
            model.generate(**rest)


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


@pytest.mark.compile
@pytest.mark.parametrize(("kind", "in_place"), [("llava", False), ("qwen2_5_vl", True)])
def test_a_compiled_language_model(kind, in_place):
    model = build(kind)
    want = generated(model, reduced(model, prompts(model)), max_new_tokens=2)
    if in_place:
        model.model.language_model.compile(backend="eager")
    else:
        model.model.language_model = torch.compile(model.model.language_model, backend="eager")
    with attach(model, method_of(model), BUDGET, processor=TINY):
        found = generated(model, prompts(model), max_new_tokens=2)
    near(found[0], want[0])
    torch._dynamo.reset()


def test_a_compiled_model_is_looked_into():
    model = model_of("llava")
    inputs = prompts(model)
    small = reduced(torch.compile(model, backend="eager"), inputs)
    assert torch.equal(model(**small).logits, model(**reduced(model, inputs)).logits)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", FEW)
def test_half_precision(kind, dtype):
    model = build(kind).to(dtype)
    inputs = {n: v.to(dtype) if v.is_floating_point() else v for n, v in prompts(model).items()}
    for method in (DART(), VisionZip(), ToMe()):
        with attach(model, method, BUDGET, processor=TINY):
            logits = model(**inputs).logits
            assert logits.dtype == dtype
            assert bool(logits.isfinite().all())
            assert model.generate(**inputs, max_new_tokens=2, do_sample=False).shape[0] == 2
    half, whole = ((model, inputs), (model_of(kind), prompts(model)))
    one, two = (reduce_inputs(*each, FasterVLM(), BUDGET, processor=TINY)[1] for each in (half, whole))
    if dtype == torch.float16:  # near enough to keep the same tokens
        assert [a.kept.tolist() for a in one] == [b.kept.tolist() for b in two]


def test_images_of_a_prompt_share_its_budget(model):
    for budget in (2, 7, 11):
        with attach(model, method_of(model), budget, processor=TINY, share="prompt"):
            shown = model(**prompts(model)).logits.shape[1]
        small = reduced(model, prompts(model), budget=budget, share="prompt")
        assert (small["input_ids"] == IMAGE).sum(1).tolist() == [budget, budget]
        assert shown == small["input_ids"].shape[1]


def test_methods_follow_one_another_but_do_not_nest(one_of_few):
    model = one_of_few
    inputs = prompts(model)
    stock = model(**inputs).logits
    for method in (VisionZip(), ToMe(), VisionZip()):
        want = generated(model, reduced(model, inputs, method))
        with attach(model, method, BUDGET, processor=TINY):
            same(generated(model, inputs), want)
    with attach(model, method_of(model), 4, processor=TINY):
        small = model(**inputs).logits
        with pytest.raises(ValueError, match="attached once at a time"), attach(model, ToMe(), 3, processor=TINY):
            pass
        assert torch.equal(model(**inputs).logits, small)
    assert torch.equal(model(**inputs).logits, stock)


def test_an_error_within_leaves_the_model_as_it_was(one_of_few):
    model = one_of_few
    inputs, before = prompts(model), dict(vars(model))
    stock = model(**inputs).logits
    config = next(m for m in model.modules() if type(m).__name__.endswith("Attention")).config

    @at_site("features")
    def failing(features, budget):
        raise KeyError("mine")

    for method, error in ((failing, KeyError), (FasterVLM(), ValueError)):
        budget = 4 if error is KeyError else 10**6
        with pytest.raises(error), attach(model, method, budget, processor=TINY):
            model.generate(**inputs)
    assert vars(model).keys() == before.keys()
    assert config._attn_implementation == "sdpa"
    assert torch.equal(model(**inputs).logits, stock)


def test_a_failing_tower_leaves_its_backend_as_it_was():
    model = build("llava")
    model.model.multi_modal_projector.forward = None
    with pytest.raises(TypeError):
        reduced(model, prompts(model))
    assert model.config.vision_config._attn_implementation == "sdpa"


def test_a_processor_of_another_model_is_refused():
    model = model_of("llava")
    other = SimpleNamespace(image_token_id=IMAGE - 1)
    message = f"whose image token is {IMAGE}, got SimpleNamespace with {IMAGE - 1}"
    with pytest.raises(ValueError, match=message):
        reduce_inputs(model, prompts(model), DART(), 4, processor=other)
    with pytest.raises(ValueError, match=message):
        prepare(model, other, [0], "a", method=DART(), budget=4)
    with pytest.raises(ValueError, match=message), attach(model, DART(), 4, processor=other):
        pass


@pytest.mark.parametrize(
    ("kind", "name"), [("qwen2_5_vl", "image_grid_thw"), ("llava_next", "image_sizes"), ("mistral3", "image_sizes")]
)
def test_pixels_without_their_sizes_are_refused(kind, name):
    model = model_of(kind)
    bare = {key: value for key, value in prompts(model).items() if key != name}
    with pytest.raises(ValueError, match=f"must come with .*{name}.*, got no {name}"):
        reduced(model, bare)


def test_placeholders_and_images_that_do_not_match_are_refused(model):
    inputs = prompts(model)
    extra = {**inputs, "input_ids": inputs["input_ids"].clone()}
    extra["input_ids"][0, -1] = IMAGE
    with pytest.raises(ValueError, match=r"placeholders"):
        reduced(model, extra)


def test_text_alone_passes_through(one_of_few):
    model = one_of_few
    text = {"input_ids": torch.tensor([[3, 4, 5], [0, 6, 7]]), "attention_mask": torch.tensor([[1, 1, 1], [0, 1, 1]])}
    want = generated(model, text)
    with attach(model, method_of(model), 4, processor=TINY):
        found = generated(model, text)
    assert torch.equal(found[0], want[0])
    assert torch.equal(found[1], want[1])


def test_what_is_no_processor_is_refused():
    model = model_of("llava")
    for wrong in ("org/name", 3, TinyProcessor):
        for method in (DART(), Resize(), PyramidDrop()):
            with pytest.raises(TypeError, match="processor must be that of the model, got"):
                attach(model, method, 30, processor=wrong).__enter__()
    with pytest.raises(TypeError, match="processor must be that of the model, got None"):
        prepare(model, None, [0], "a", method=DART(), budget=4)


@pytest.mark.parametrize("method", [Resize(), DART(), PyramidDrop()], ids=repr)
def test_options_are_refused_at_once_and_by_name(method):
    model = model_of("llava")
    if method.site != PIXELS:
        with pytest.raises(TypeError, match=r"must be of share.*, got finest; leave it out"):
            attach(model, method, 30, finest=1).__enter__()
    with pytest.raises(ValueError, match="share must be one of 'image', 'prompt'"):
        attach(model, method, 30, share="no").__enter__()
    with pytest.raises(TypeError, match="unexpected keyword argument 'fine'"):
        attach(model, method, 30, fine=1).__enter__()
    assert set(TAKEN[PIXELS]) == {field.name for field in fields(PixelOptions)}


def test_prepare_points_droppers_to_attach():
    with pytest.raises(TypeError, match=r"pixels or features site, got PyramidDrop.*; use attach"):
        prepare(model_of("llava"), None, [0], "a", method=PyramidDrop(), budget=4)


@pytest.mark.parametrize("method", [DART(), PyramidDrop()], ids=repr)
def test_text_alone_may_have_a_mask_of_pairs(method):
    model, text = model_of("llava"), torch.tensor([[5, 6, 7]])
    mask = torch.ones(1, 1, 3, 3).tril().bool()
    want = model(input_ids=text, attention_mask=mask).logits
    with attach(model, method, 30, processor=TINY):
        assert torch.equal(model(input_ids=text, attention_mask=mask).logits, want)
