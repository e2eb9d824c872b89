"""What users do with an attached model beside asking once: their own processor, criteria, turns, trainers, copies."""

import copy
import pickle

import pytest
import torch

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.models import attach, plan_inputs, verify
from pyrascope.models.families import anyres
from pyrascope.models.host import Host
from pyrascope.models.pixels.site import canvases_of
from pyrascope.models.stock.support import transformers
from pyrascope.models.verify.checks import CHECKS
from pyrascope.models.verify.checks.check import TOLERANCE
from pyrascope.models.verify.small import noise, tiny
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, Recipe, TinyProcessor, build, prompts
from tiny_models import TEXT, model_of, nested, pictures, tiny_processor
from tolerances import near

METHODS = [ps.methods.TwoLevels(), ps.reducers.DivPrune()]
"""One of each site where prompts get shorter."""


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


@pytest.fixture
def processor():
    return tiny_processor()


def asked(processor, rows=(0, 1)):
    given = {"return_tensors": "pt", "padding": True, "padding_side": "left"}
    return processor(images=[nested(pictures())[row] for row in rows], text=[TEXT[row] for row in rows], **given)


# --- a model's own processor ---


def gemma_processor():
    """Gemma3's, over a few words. What it replaces in a prompt is not what the model calls an image token."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<pad>", "<unk>", "<bos>", "<eos>", "<start>", "<end>", "what"]
    inner = Tokenizer(
        models.WordLevel({**{word: i for i, word in enumerate(words)}, "<soft>": IMAGE}, unk_token="<unk>")
    )
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers().PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token="<bos>", eos_token="<eos>",
        extra_special_tokens={"boi_token": "<start>", "eoi_token": "<end>", "image_token": "<soft>"},
    )  # fmt: skip
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    return transformers().Gemma3Processor(
        Gemma3ImageProcessorPil(size={"height": 64, "width": 64}), tokenizer, image_seq_length=16
    )


def test_gemmas_own_processor_is_taken():
    processor = gemma_processor()
    assert processor.image_token_id != IMAGE
    assert Host.of(model_of("gemma3"), processor, called=True).processor is processor


@pytest.mark.parametrize("kind", ["llava", "llava_next", "llava_onevision"])
def test_pixels_that_fill_no_patch_are_left_out_as_stock_does(kind, monkeypatch):
    """As of SigLIP's 384 px with patches of 14: here 68 px with patches of 8."""
    config = RECIPES[kind].config()
    config["vision_config"] = config["vision_config"] | {"image_size": 68}
    if kind != "llava":
        config["image_grid_pinpoints"] = [[68 * rows, 68 * columns] for rows in (1, 2) for columns in (1, 2)]
    monkeypatch.setitem(tiny.RECIPES, kind, Recipe(RECIPES[kind].prefix, lambda: config, RECIPES[kind].images))
    monkeypatch.setattr(noise, "SIDE", 68)
    model = build(kind)
    for name in ("full budget: logits", "full budget: tokens", "batch equals rows"):
        good, detail = CHECKS["pixels"][name](model, TinyProcessor(), lambda rows: prompts(model, rows))
        assert good, (name, detail)


def test_tiles_meet_where_their_last_patches_end(monkeypatch):
    config = RECIPES["llava_next"].config() | {"image_grid_pinpoints": [[68, 136]]}
    config["vision_config"] = config["vision_config"] | {"image_size": 68}
    monkeypatch.setitem(tiny.RECIPES, "llava_next", Recipe("LlavaNext", lambda: config, "anyres"))
    model, views = build("llava_next"), torch.randn(1, 3, 3, 68, 68)
    ids = torch.full((1, 64 + 8 * 17), IMAGE)
    inputs = {"pixel_values": views, "image_sizes": torch.tensor([[68, 136]]), "input_ids": ids}
    _, (canvas,) = canvases_of(model, inputs, None)
    assert torch.equal(canvas.pixels, torch.cat([views[0, 1, :, :64, :64], views[0, 2, :, :64, :64]], 2))
    assert canvas.region == (0, 0, 68, 136)


def test_a_tile_of_another_number_of_patches_is_still_refused():
    model = model_of("llava")
    inputs = prompts(model)
    inputs["pixel_values"] = torch.zeros(3, 3, 32, 128)
    with pytest.raises(ValueError, match="views of 8 rows and 8 columns of patches of 8 px, got 32x128 px; give"):
        plan_inputs(model, inputs, ps.methods.Uniform(), 4)


# --- what generate calls back ---


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_criteria_processors_and_streamers_see_the_prompt_that_was_given(method, processor):
    seen = {}

    class Stopping(transformers().StoppingCriteria):
        def __call__(self, ids, scores, **more):
            seen["criterion"] = ids
            return torch.full((len(ids),), ids.shape[1] - length >= 2)

    class Steering(transformers().LogitsProcessor):
        def __call__(self, ids, scores):
            seen.setdefault("processor", ids)
            return scores

    class Streaming:
        def __init__(self):
            self.parts = []

        def put(self, value):
            self.parts.append(value)

        def end(self):
            seen["streamer"] = torch.cat([part.flatten() for part in self.parts])

    def allowed(row, ids):
        seen.setdefault("prefix", (row, ids))
        return list(range(40))

    with attach(model_of("llava"), method, 9, processor=processor) as model:
        inputs = asked(processor, (0,))
        length = inputs["input_ids"].shape[1]
        out = model.generate(
            **inputs, max_new_tokens=8, min_new_tokens=8, do_sample=False, stopping_criteria=[Stopping()],
            logits_processor=[Steering()], prefix_allowed_tokens_fn=allowed, streamer=Streaming(),
        )  # fmt: skip
    assert out.shape[1] == length + 2
    assert torch.equal(seen["criterion"], out)
    assert torch.equal(seen["processor"], inputs["input_ids"])
    assert seen["prefix"][0] == 0
    assert torch.equal(seen["prefix"][1], inputs["input_ids"][0])
    assert torch.equal(seen["streamer"], out[0])


def test_criteria_see_each_beam_with_its_own_prompt(processor):
    shown = []

    class Watching(transformers().StoppingCriteria):
        def __call__(self, ids, scores, **more):
            shown.append(ids)
            return torch.zeros(len(ids), dtype=torch.bool)

    with attach(model_of("llava"), METHODS[1], 9, processor=processor) as model:
        inputs = asked(processor)
        model.generate(**inputs, max_new_tokens=2, num_beams=2, do_sample=False, stopping_criteria=[Watching()])
    length = inputs["input_ids"].shape[1]
    candidates = len(shown[0]) // len(inputs["input_ids"])
    assert candidates >= 2
    assert torch.equal(shown[0][:, :length], inputs["input_ids"].repeat_interleave(candidates, 0))


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_second_turn_on_a_shorter_cache_is_refused(method, processor):
    options = {"do_sample": False, "return_dict_in_generate": True, "max_new_tokens": 2, "min_new_tokens": 2}
    with attach(model_of("llava"), method, 9, processor=processor) as model:
        out = model.generate(**asked(processor, (0,)), **options)
        more = torch.cat([out.sequences, torch.tensor([[3, 4]])], 1)
        with pytest.raises(ValueError, match="no other call can go on from it; give the whole conversation"):
            model.generate(more, past_key_values=out.past_key_values, **options)


# --- training ---


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("masked", [True, False])
def test_the_loss_of_a_trainer_is_that_of_the_labels_that_are_left(method, masked, processor):
    """Trainer divides by the labels of the whole batch; those of image tokens leave with their tokens."""
    with attach(model_of("llava"), method, 9, processor=processor) as model:
        inputs = asked(processor)
        labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
        labels = labels.masked_fill(labels == IMAGE, -100) if masked else labels
        short, _ = (plan_inputs if method is METHODS[0] else ps.models.reduce_inputs)(
            model, {**inputs, "labels": labels}, method, 9, processor=processor
        )
        near(
            model(**inputs, labels=labels, num_items_in_batch=(labels != -100).sum()).loss
            * (short["labels"] != -100).sum(),
            model(**inputs, labels=labels).loss * (short["labels"][:, 1:] != -100).sum(),
        )


def test_labels_of_other_batches_are_taken_off_by_share_and_said(processor):
    with attach(model_of("llava"), METHODS[1], 9, processor=processor) as model:
        inputs = asked(processor, (0,))
        labels = inputs["input_ids"].clone()
        alone = model(**inputs, labels=labels, num_items_in_batch=torch.tensor(labels.numel())).loss
        with pytest.warns(UserWarning, match="labels of image tokens leave with their tokens.*mask the labels"):
            twice = model(**inputs, labels=labels, num_items_in_batch=torch.tensor(2 * labels.numel())).loss
    near(2 * twice, alone)


def test_internvl_trains_with_checkpoints_and_a_bias():
    def gradient(checkpoints):
        model = build("internvl").train()
        if checkpoints:
            enable = "activation_checkpointing_enable"  # its name since 5.22
            getattr(model, enable if hasattr(model, enable) else "gradient_checkpointing_enable")()
        inputs = prompts(model)
        with torch.enable_grad():
            short, _ = plan_inputs(model, inputs, ps.methods.TwoLevels(), [9, 5, 7])
            model(**short).logits.square().mean().backward()
        return model.base_model.vision_tower.embeddings.patch_embeddings.projection.weight.grad

    near(gradient(True), gradient(False))


# --- copies ---


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_of_a_processor_in_use_are_of_its_own_class(duplicate, processor):
    stock = type(processor)
    with attach(model_of("llava"), budget=9, processor=processor):
        other = duplicate(processor)
        assert type(other) is stock
        assert torch.equal(asked(other)["input_ids"], asked(processor)["input_ids"])
    assert type(processor) is stock


@pytest.mark.parametrize("method", [*METHODS, ps.droppers.PyramidDrop()], ids=repr)
def test_a_deep_copy_inside_is_a_stock_model_of_its_own(method, processor):
    """As of an average of weights, or a frozen reference."""
    model = build("llava")
    with attach(model, method, 9 if method in METHODS else None, processor=processor):
        inputs = asked(processor)
        before = model(**inputs).logits
        twin = copy.deepcopy(model)
        for weight in twin.parameters():
            weight.mul_(0.5)
        assert torch.equal(model(**inputs).logits, before)
        halved = twin(**inputs).logits
    for weight in model.parameters():
        weight.mul_(0.5)
    assert torch.equal(halved, model(**inputs).logits)
    assert torch.equal(twin(**inputs).logits, halved)
    assert {"forward", "generate", "__deepcopy__"}.isdisjoint({*vars(twin), *vars(model)})


def test_two_models_share_a_processor_and_leave_in_any_order(processor):
    stock = type(processor)
    first, second = (
        attach(model_of("llava"), budget=9, processor=processor),
        attach(build("llava"), budget=4, processor=processor),
    )
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert type(processor) is not stock
    second.__exit__(None, None, None)
    assert type(processor) is stock


# --- verify ---


def test_verify_allows_what_goes_with_the_size_of_logits(processor):
    model = build("llava")
    model.lm_head.weight.mul_(40)
    report = verify(model, tiny_processor())
    assert [row for row in report.rows if row.result == "fail"] == []
    (row,) = (row for row in report.rows if row.site == "pixels" and row.check == "full budget: logits")
    assert "allowed" in row.detail
    assert float(row.detail.split("allowed ")[1]) > 2 * TOLERANCE


def test_the_pinpoints_of_small_models_are_whole_views():
    assert all(side % 64 == 0 for pair in anyres.PINPOINTS for side in pair)


@pytest.mark.parametrize("size", [[1, 500], [500, 1], [16, 1200], [1200, 16]])
@pytest.mark.parametrize("kind", ["llava_next", "llava_onevision"])
def test_strips_of_which_stock_leaves_no_tile(kind, size):
    """So narrow that the rounded height of what is not padding is 0: what is left is the view of the whole image."""
    model = model_of(kind)
    given = {"pixel_values": torch.randn(1, 3, 3, 64, 64), "image_sizes": torch.tensor([size])}
    count = sum(len(rows) for rows in model.base_model.get_image_features(**given, return_dict=True).pooler_output)
    ids = torch.tensor([[5, *[IMAGE] * count, 6, 7]])
    inputs = {**given, "input_ids": ids, "attention_mask": torch.ones_like(ids)}
    stock = model(**inputs).logits[:, -1]
    for budget in (count, 5):
        for method in METHODS:
            to_fewer = plan_inputs if method.site == "pixels" else ps.models.reduce_inputs
            small, _ = to_fewer(model, inputs, method, budget)
            assert int((small["input_ids"] == IMAGE).sum()) == budget
            logits = model(**small).logits[:, -1]
            if budget == count:
                near(logits, stock, "transform")
