"""Answers: equal to what the model generates by itself, with their entropy; prompts; loading from a folder."""

import importlib
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("transformers")

from pyrascope import methods, reducers
from pyrascope.allocation.budgets.gate import budgets_by_entropy
from pyrascope.methods import droppers
from pyrascope.models.ask.answer import answer, entropy_of, first_entropies
from pyrascope.models.ask.resized import coarse_entropies
from pyrascope.models.ask.shown import cells_of
from pyrascope.models.ask.side_by_side import side_by_side
from pyrascope.models.by_name import any_method_from
from pyrascope.models.families.parts.canvas import Canvas
from pyrascope.models.pixels.site import plan_inputs
from pyrascope.models.prompts.chat import prompt_of
from pyrascope.models.stock.load import load
from pyrascope.models.verify.small.tiny import IMAGE, build
from tiny_models import TEMPLATE, save_tiny, tiny_processor
from tolerances import near


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load(save_tiny(tmp_path_factory.mktemp("model")))


@pytest.fixture
def picture():
    return Image.radial_gradient("L").resize((90, 70)).convert("RGB")


def stock(model, processor, picture, text, steps=3):
    inputs = processor(images=picture, text=text, return_tensors="pt")
    ids = inputs["input_ids"]
    more = model.generate(**inputs, max_new_tokens=steps, do_sample=False)[:, ids.shape[1] :]
    return processor.tokenizer.decode(more[0], skip_special_tokens=True), model(**inputs).logits[0, -1]


def test_the_full_answer_is_that_of_the_model_itself(loaded, picture):
    model, processor = loaded
    found = answer(model, processor, picture, "what is here", max_new_tokens=3)
    text, logits = stock(model, processor, picture, "<image> what is here")
    assert found.text == text
    p = logits.detach().double().softmax(0)
    near(found.entropy, float(-(p * p.log()).sum()), "transform", dtype=torch.float32)
    assert found.tokens == 64
    assert 0 < found.first <= found.all
    assert found.planning == 0


METHODS = [reducers.DivPrune(), reducers.ToMe(), methods.RateDistortion(aspect=1), methods.CoarseToFine()]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_at_the_full_budget_every_method_gives_the_same_answer(loaded, picture, method):
    full, found = (answer(*loaded, picture, "to be seen", method=m, budget=b) for m, b in ((None, None), (method, 64)))
    assert found.text == full.text
    near(found.entropy, full.entropy, "transform", dtype=torch.float32)
    assert 0 < found.planning < found.first
    assert found.plan.coverage == 1


def test_a_reduced_answer_says_what_it_saw(loaded, picture):
    found = side_by_side(*loaded, picture, "what is here", method=reducers.Random(seed=3), budget=9, max_new_tokens=2)
    assert list(found) == ["look", "resize", "full"]
    assert found["look"].tokens == found["look"].plan.tokens == 9
    assert found["look"].method == found["look"].plan.method == "Random(seed=3)"
    assert found["resize"].method == "Resize()"
    assert found["resize"].tokens == found["resize"].plan.tokens <= 9
    assert found["resize"].plan.coverage == 1, "a resize before the tower"
    assert found["full"].tokens == 64
    assert len(side_by_side(*loaded, picture, "what", method=reducers.Random(), budget=9, full=False)) == 2


def test_plans_go_as_fine_as_the_picture(loaded):
    large = Image.radial_gradient("L").convert("RGB")  # 256x256 px, four times the model's grid
    for finest, side in (("grid", 32), ("source", 8), (1, 16)):
        found = answer(*loaded, large, "what", method=methods.CoarseToFine(methods.Zoom()), budget=20, finest=finest)
        assert found.tokens == found.plan.tokens == 20
        assert (found.plan.boxes[:, 2] - found.plan.boxes[:, 0]).min() == side


def test_a_sure_answer_from_a_resize_is_taken(loaded, picture):
    def ask(gate):
        return side_by_side(*loaded, picture, "what", method=methods.Zoom(), budget=9, gate=gate, full=False)

    entropy = ask(None)["resize"].entropy
    sure, unsure = ask(entropy + 1e-3), ask(entropy - 1e-3)
    assert sure["look"] is sure["resize"]
    assert sure["look"].method == "Resize()"
    assert unsure["look"].method == "Zoom()"
    assert unsure["look"].looks == unsure["resize"].first < unsure["look"].first


def test_unsure_prompts_get_more(loaded, picture):
    model, processor = loaded
    processor.tokenizer.padding_side = "left"
    pictures = [picture, picture.rotate(90)]
    text = ["<image> what is here", "<image> to be"]
    inputs = processor(images=pictures, text=text, return_tensors="pt", padding=True)
    found = coarse_entropies(model, inputs, 9, processor=processor, images=pictures)
    alone = [answer(*loaded, p, t[8:], method=methods.Resize(), budget=9) for p, t in zip(pictures, text, strict=True)]
    near(found, torch.tensor([one.entropy for one in alone]), "transform")
    budgets = budgets_by_entropy(found.numpy(), (9, 18, 36), 50).tolist()
    small, plans = plan_inputs(model, inputs, methods.Zoom(), budgets)
    assert sum(plan.tokens for plan in plans) == 50
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == budgets
    assert budgets[int(found.argmax())] == max(budgets)


def test_looking_first_is_timed(loaded, picture):
    found = answer(*loaded, picture, "what is here", method=methods.CoarseToFine(methods.Zoom()), budget=20)
    assert found.tokens == found.plan.tokens == 20
    assert found.looks > 0
    assert found.looks + found.planning < found.first


def test_tokens_inside_the_language_model_are_a_mean(loaded, picture):
    found = answer(*loaded, picture, "what is here", method=droppers.FastV(after=1), budget=40, max_new_tokens=2)
    assert 39 < found.tokens <= 40
    assert found.plan is None


def test_cells_of_kept_tokens():
    canvas = Canvas(torch.zeros(3, 16, 16), 8, (2, 2), torch.tensor([[2, 0], [1, 3]]), 5)
    found = cells_of(canvas, np.array([1, 2]), np.array([4.0, 1.0]), "m")
    assert found.boxes.tolist() == [[0, 0, 8, 8], [8, 0, 16, 8]]
    assert found.scores.tolist() == [1, 4]
    assert cells_of(canvas, np.array([1, 4]), np.ones(2), "m") is None


def test_entropy_is_that_of_torch():
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(0)) * 5
    near(entropy_of(logits).float(), torch.distributions.Categorical(logits=logits).entropy())
    near(float(entropy_of(torch.zeros(7))), math.log(7))


def test_first_entropies_of_a_batch_are_those_of_its_rows(loaded, picture):
    model, processor = loaded
    text = ["<image> what is here", "<image> to be"]
    processor.tokenizer.padding_side = "left"
    inputs = processor(images=[picture, picture.rotate(90)], text=text, return_tensors="pt", padding=True)
    found = first_entropies(model, inputs)
    alone = [
        answer(model, processor, p, t[8:]).entropy for p, t in zip([picture, picture.rotate(90)], text, strict=True)
    ]
    near(found, torch.tensor(alone), "transform")


def test_prompts_are_by_the_template_where_there_is_one():
    assert prompt_of(tiny_processor(), "what is here", 2) == "<image><image> what is here"
    assert prompt_of(tiny_processor(TEMPLATE), "what is here") == "user <image> what is here to"


def test_a_beginning_that_the_tokenizer_adds_comes_once():
    from tokenizers.processors import TemplateProcessing

    processor = tiny_processor("<unk> " + TEMPLATE)
    tokenizer = processor.tokenizer
    tokenizer.bos_token = "<unk>"
    assert prompt_of(processor, "what").startswith("<unk> user")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<unk> $A", special_tokens=[("<unk>", 1)])
    assert prompt_of(processor, "what").split()[0] == "user"


def test_methods_of_all_sites_by_name():
    assert any_method_from("resize") == methods.Resize()
    assert any_method_from("features:resize") == reducers.Resize()
    assert any_method_from("features:Random(seed=2)") == reducers.Random(seed=2)
    assert any_method_from("tome") == reducers.ToMe()
    assert any_method_from("fast-v") == droppers.FastV()
    assert any_method_from("layers:random") == droppers.Random()
    assert any_method_from("CoarseToFine(share=30)") == methods.CoarseToFine(share=30)
    for text, message in (
        ("div-prun", "got 'div-prun'; did you mean div-prune?"),
        ("pixels:tome", "method must be one of rate-distortion"),
        ("places:tome", "the site of a method must be one of pixels, features, layers"),
    ):
        with pytest.raises(ValueError, match=message):
            any_method_from(text)


def test_loading_is_the_model_that_was_saved(loaded):
    model, _ = loaded
    assert not model.training
    for mine, saved in zip(model.parameters(), build("llava").parameters(), strict=True):
        torch.testing.assert_close(mine, saved, rtol=0, atol=0)


def test_what_cannot_be_loaded_is_refused_in_one_sentence(tmp_path):
    with pytest.raises((OSError, ValueError), match="model must be a folder or hub id with safetensors") as error:
        load(tmp_path)
    assert "\n" not in str(error.value)
    with pytest.raises(OSError, match=r"got 'a/b/c' .*give a local folder, or a hub id"):
        load("a/b/c")
    save_tiny(tmp_path)
    weights = tmp_path / "model.safetensors"
    torch.save({"anything": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(OSError, match="give a folder that save_pretrained wrote"):
        load(tmp_path)


def test_the_placeholders_are_those_of_the_tiny_models(loaded):
    assert loaded[1].image_token_id == loaded[0].config.image_token_id == IMAGE


def test_an_image_token_in_the_question_is_refused():
    for template in (None, TEMPLATE):
        with pytest.raises(ValueError, match="question must be text alone, got <image> in it"):
            prompt_of(tiny_processor(template), "what <image> is")


def test_a_broken_file_of_weights_and_a_lone_tokenizer_are_refused(tmp_path):
    build("qwen2_5_vl").save_pretrained(tmp_path)
    tiny_processor().tokenizer.save_pretrained(tmp_path)
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "processor_class": "OfTheirOwn"}))
    with pytest.raises(ValueError, match=r"model must be a folder or hub id.*processor of images there"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="model must be a folder or hub id with safetensors"):
        load(tmp_path)


def test_the_first_token_is_there_after_the_first_pass(loaded, picture, monkeypatch):
    """A clock that each pass through the model moves on by a second."""
    model, processor = loaded
    passes = []
    hook = model.register_forward_hook(lambda *given: passes.append(1))
    clock = SimpleNamespace(perf_counter=lambda: float(len(passes)))
    monkeypatch.setattr(importlib.import_module("pyrascope.models.ask.answer"), "time", clock)
    try:
        found = answer(model, processor, picture, "what is here", max_new_tokens=3)
    finally:
        hook.remove()
    assert (found.first, found.all) == (1, len(passes))
    assert len(passes) > 1
