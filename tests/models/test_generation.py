"""Everything that `generate` can do, with fewer visual tokens."""

import pytest
import torch

from pyrascope.methods.droppers import PyramidDrop
from pyrascope.methods.reducers import DART
from pyrascope.models import attach
from pyrascope.models.stock.support import transformers
from pyrascope.models.verify.small.tiny import RECIPES, build, prompts
from tiny_models import model_of
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
