"""Several threads call one model: each gets what it would get alone."""

import threading

import pytest
import torch

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.models import reduce_inputs
from pyrascope.models.pixels.remember import remembering
from pyrascope.models.stock.attention_tap import tapped
from pyrascope.models.verify.small.tiny import TinyProcessor, build, prompts
from tiny_models import TEXT, model_of, nested, pictures, tiny_processor

TINY = TinyProcessor()
TURNS = 8


def at_once(calls):
    """Runs each call again and again in a thread of its own; returns all results of each, and what was raised."""
    found, errors = [[] for _ in calls], []
    start = threading.Barrier(len(calls))

    def run(number):
        start.wait()
        try:
            for _ in range(TURNS):
                found[number].append(calls[number]())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, errors


def same_as_alone(calls):
    alone = [call() for call in calls]
    found, errors = at_once(calls)
    assert errors == []
    for want, each in zip(alone, found, strict=True):
        assert len(each) == TURNS
        for one in each:
            torch.testing.assert_close(one, want, atol=1e-4, rtol=0)


@pytest.fixture(params=["llava", "smolvlm", "qwen2_5_vl"])
def model(request):
    with torch.no_grad():
        yield model_of(request.param)


@pytest.mark.parametrize("method", [ps.reducers.VisionZip(), ps.reducers.FasterVLM(), ps.reducers.DivPrune()], ids=repr)
def test_features_are_those_of_ones_own_image(model, method):
    inputs = [prompts(model, [0]), prompts(model, [1])]

    def features(row):
        with torch.no_grad():
            return torch.cat([one.features for one in reduce_inputs(model, inputs[row], method, 4, processor=TINY)[1]])

    same_as_alone([lambda: features(0), lambda: features(1)])


@pytest.mark.parametrize(
    "method", [ps.reducers.VisionZip(), ps.droppers.FastV(after=1), ps.droppers.PyramidDrop()], ids=repr
)
def test_one_block_serves_several_threads(model, method):
    inputs = [prompts(model, [0]), prompts(model, [1])]

    def logits(row):
        with torch.no_grad():
            return model(**inputs[row]).logits[:, -1]

    with ps.attach(model, method, 4 if isinstance(method, ps.reducers.VisionZip) else None, processor=TINY):
        same_as_alone([lambda: logits(0), lambda: logits(1)])


@pytest.mark.parametrize("method", [ps.reducers.VisionZip(), ps.droppers.FastV(after=1)], ids=repr)
def test_answers_of_several_threads(model, method):
    """Generation too: where a prompt ends is known for each thread."""
    inputs = [prompts(model, [0]), prompts(model, [1])]

    def words(row):
        return model.generate(**inputs[row], max_new_tokens=5, do_sample=False)

    with ps.attach(model, method, 4 if isinstance(method, ps.reducers.VisionZip) else None, processor=TINY):
        same_as_alone([lambda: words(0), lambda: words(1)])


def test_probes_of_several_threads(model):
    inputs = [prompts(model, [0]), prompts(model, [1])]
    maps = [
        lambda row=row: torch.cat([one.flatten() for one in ps.probe(model, inputs[row], processor=TINY)])
        for row in (0, 1)
    ]
    same_as_alone(maps)


def test_plans_with_a_bias_of_their_own():
    """InternVL's attention is given its bias from outside the layer: by the thread that runs it."""
    model = model_of("internvl")
    inputs = [prompts(model, [0]), prompts(model, [0])]

    def logits(row, budget):
        with torch.no_grad():
            made = ps.models.plan_inputs(model, inputs[row], ps.methods.RateDistortion(aspect=1), budget, sized=1.0)[0]
            return model(**made).logits[:, -1]

    same_as_alone([lambda: logits(0, 5), lambda: logits(1, 8)])


def test_a_listener_hears_its_own_thread_and_the_backend_comes_back():
    model = build("llava")
    first, heard = model.base_model.language_model.layers[0].self_attn, {}
    inputs, inside, done = prompts(model, [0]), threading.Event(), threading.Event()

    def other():
        with tapped({first: lambda *given: heard.setdefault("other", []).append(given)}):
            inside.set()
            done.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(60)
    with torch.no_grad(), tapped({first: lambda *given: heard.setdefault("mine", []).append(given)}):
        model(**inputs)
    assert first.config._attn_implementation.endswith("+pyrascope"), "the other block needs it still"
    done.set()
    thread.join()
    assert first.config._attn_implementation == "sdpa"
    assert (len(heard["mine"]), "other" in heard) == (1, False)


def test_one_processor_is_remembered_by_blocks_that_overlap():
    processor = tiny_processor()
    stock = type(processor)
    first, second = remembering(processor), remembering(processor)
    mine = first.__enter__()
    other = second.__enter__()
    made = processor(images=nested(pictures()), text=TEXT, padding=True, return_tensors="pt")
    first.__exit__(None, None, None)
    again = processor(images=nested(pictures()), text=TEXT, padding=True, return_tensors="pt")
    assert mine.find(made) is not None
    assert other.find(made) is not None
    assert other.find(again) is not None
    assert type(processor) is not stock
    assert "memories" not in str(processor.to_dict())
    second.__exit__(None, None, None)
    assert type(processor) is stock


def test_attached_by_two_threads_is_refused_once():
    model = build("llava")
    errors, start = [], threading.Barrier(4)

    def attach():
        start.wait()
        try:
            with ps.attach(model, ps.reducers.DivPrune(), 4):
                end.wait(60)
        except ValueError as error:
            errors.append(str(error))

    end = threading.Event()
    threads = [threading.Thread(target=attach) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(errors) < 3 and any(thread.is_alive() for thread in threads):
        pass
    end.set()
    for thread in threads:
        thread.join()
    assert len(errors) == 3
    assert all("must be attached once at a time" in error for error in errors)
    assert "forward" not in vars(model)
