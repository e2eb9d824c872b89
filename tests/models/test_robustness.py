"""Compiled models, half precision, errors, and what is refused."""

from dataclasses import fields
from types import SimpleNamespace

import pytest
import torch

from pyrascope.methods import Resize
from pyrascope.methods.droppers import PyramidDrop
from pyrascope.methods.reducers import DART, FasterVLM, ToMe, VisionZip
from pyrascope.models import attach, prepare, reduce_inputs
from pyrascope.models.options import TAKEN, PixelOptions
from pyrascope.models.sites import PIXELS
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, TinyProcessor, build, prompts
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
