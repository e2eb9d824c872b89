"""The look through a model: it is the model's attention on the coarse prompt, and detail goes where it looks."""

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("transformers")

from pyrascope.methods import CoarseToFine, RateDistortion, Resize, Zoom
from pyrascope.models import attach, prepare
from pyrascope.models.families.adapter import adapted_types
from pyrascope.models.look.first import AttentionLook, on_grid
from pyrascope.models.pixels.site import plan_inputs
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, TinyProcessor, build, prompts
from tiny_models import tiny_processor
from tolerances import near

KINDS = sorted(set(RECIPES) & set(adapted_types()))
RED, BLUE = 7, 8  # token ids of two questions


def asked(*questions, seed=0):
    """A batch of prompts about one 64x64 px image each, normalised pixels all 0."""
    ids = torch.tensor([[5, *[IMAGE] * 64, 6, question] for question in questions])
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": torch.zeros(len(questions), 3, 64, 64),
    }


def painted(inputs, row, channel, cell):
    y, x = cell[0] * 8, cell[1] * 8
    inputs["pixel_values"][row, channel, y : y + 8, x : x + 8] = 1


@pytest.fixture(scope="module")
def rigged():
    """A LLaVA whose last token, RED or BLUE, attends to patches of that colour, by weights set by hand."""
    model = build("llava")
    base = model.base_model
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.zero_()
        red, blue = base.vision_tower.embeddings.patch_embedding.weight[:2]
        red[0], blue[2] = 1, 1  # channel 0 of a patch's embedding is its red, channel 1 its blue
        for one in (base.multi_modal_projector.linear_1, base.multi_modal_projector.linear_2):
            one.weight[0, 0] = one.weight[1, 1] = 1
        embedding = base.language_model.embed_tokens.weight
        embedding[RED, 2] = embedding[BLUE, 3] = 1
        attention = base.language_model.layers[1].self_attn
        for head in range(4):  # dimensions 6 and 7 turn so slowly that places hardly matter
            attention.q_proj.weight[head * 16 + 6, 2] = attention.q_proj.weight[head * 16 + 7, 3] = 0.7
        for head in range(2):
            attention.k_proj.weight[head * 16 + 6, 0] = attention.k_proj.weight[head * 16 + 7, 1] = 0.7
    return model


def fine_cells(plan):
    return {tuple(cell) for cell in (plan.boxes[plan.levels[:, 0] == 0, :2] // plan.cell).astype(int)}


@pytest.mark.parametrize("cell", [(1, 6), (6, 1), (0, 0), (7, 3), (4, 4), (2, 7)])
def test_detail_goes_where_the_model_looks(rigged, cell):
    inputs = asked(RED)
    painted(inputs, 0, 0, cell)
    (plan,) = plan_inputs(rigged, inputs, CoarseToFine(Zoom()), 32)[1]
    assert plan.tokens == 32
    assert len(fine_cells(plan)) == 16
    assert cell in fine_cells(plan)
    apart = np.abs(np.array(sorted(fine_cells(plan))) - cell).max(1)
    assert (apart <= 4).all()


def test_the_question_decides(rigged):
    inputs = asked(RED, BLUE)
    for row in (0, 1):
        painted(inputs, row, 0, (0, 7))
        painted(inputs, row, 2, (6, 0))
    red, blue = plan_inputs(rigged, inputs, CoarseToFine(Zoom(), share=70), 23)[1]
    assert (0, 7) in fine_cells(red)
    assert (6, 0) not in fine_cells(red)
    assert (6, 0) in fine_cells(blue)
    assert (0, 7) not in fine_cells(blue)
    for row, plan in enumerate((red, blue)):
        one = {name: value[row : row + 1] for name, value in inputs.items()}
        assert plan_inputs(rigged, one, CoarseToFine(Zoom(), share=70), 23)[1] == [plan], "in a batch as alone"


@pytest.mark.parametrize("kind", KINDS)
def test_the_heat_is_eager_attention_on_the_coarse_prompt(kind):
    model, layer = build(kind), 1
    seen = []

    class Spy(AttentionLook):
        def maps(self, *args):
            seen.append((args[1], super().maps(*args)))
            return seen[-1][1]

    inputs = prompts(model)
    method = CoarseToFine(Zoom(), share=80, detector=Spy(layer=layer))
    plan_inputs(model, inputs, method, 5, processor=TinyProcessor())
    coarse, maps = seen[0]
    same, views = plan_inputs(model, inputs, Resize(), 4, processor=TinyProcessor())
    assert [len(one) for one in maps] == [view.tokens for view in views]
    near(coarse["input_ids"], same["input_ids"], "same")
    model.set_attn_implementation("eager")
    with torch.no_grad():
        attention = model(**same, output_attentions=True).attentions[layer].mean(1)[:, -1]
    visual = same["input_ids"] == IMAGE
    near(torch.cat(maps), attention[visual])


def test_values_are_put_where_their_boxes_are():
    view = Resize()([_scene(32, 48)], 6, 16)[0]
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    heat = on_grid(torch.arange(6.0), order, view)
    assert heat.tolist() == [[1, 3, 5], [0, 4, 2]]


def _scene(height, width):
    from pyrascope.allocation.contracts.allocator import Scene

    return Scene(torch.zeros(3, height, width))


@pytest.mark.parametrize("kind", KINDS)
def test_totals_are_exact_and_the_model_is_as_before(kind):
    model = build(kind)
    inputs = prompts(model)
    before, names = model(**inputs).logits, set(vars(model))
    method = CoarseToFine(RateDistortion(aspect=1), share=40)
    for budget in (1, 2, 5):
        small, plans = plan_inputs(model, inputs, method, budget, processor=TinyProcessor())
        again, same = plan_inputs(model, inputs, method, budget, processor=TinyProcessor())
        assert [plan.tokens for plan in plans] == [budget] * 3
        assert plans == same
        assert (small["input_ids"] == IMAGE).sum(1).tolist() == [budget, 2 * budget]
        torch.testing.assert_close(model(**small).logits, model(**again).logits, rtol=0, atol=0)
    assert set(vars(model)) == names
    assert torch.equal(model(**inputs).logits, before)


def test_at_the_full_budget_nothing_is_left_to_choose():
    model = build("llava")
    inputs = prompts(model)
    small, plans = plan_inputs(model, inputs, CoarseToFine(), 64)
    assert all(plan.is_partition and not plan.levels.any() for plan in plans)
    near(model(**small).logits, model(**inputs).logits, "transform")


def test_a_look_costs_no_gradient_and_the_answer_has_one():
    model = build("llava")
    small, _ = plan_inputs(model, prompts(model), CoarseToFine(), 12)
    model(**small).logits.sum().backward()
    assert isinstance(model.base_model.multi_modal_projector.linear_1, nn.Linear)
    assert model.base_model.multi_modal_projector.linear_1.weight.grad.abs().sum() > 0


def test_a_look_without_a_model_or_with_a_wrong_answer_is_refused():
    with pytest.raises(ValueError, match="use it with a model, in attach or prepare"):
        CoarseToFine(detector=AttentionLook())([_scene(64, 64)], 8, 8)
    with pytest.raises(ValueError, match="looks through a model, got a view alone"):
        AttentionLook()(torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match="debias must be one of"):
        AttentionLook(debias="all")

    class Short(AttentionLook):
        def maps(self, *args):
            return [one[1:] for one in super().maps(*args)]

    model = build("llava")
    with pytest.raises(ValueError, match="a look must give a value for each token of each image"):
        plan_inputs(model, prompts(model), CoarseToFine(detector=Short()), 12)


def test_relative_attention_takes_out_what_attracts_every_question(rigged):
    processor = tiny_processor()
    inputs = asked(RED)
    painted(inputs, 0, 0, (0, 7))
    generic = [processor.tokenizer.convert_ids_to_tokens(token) for token in (5, RED)]
    look = AttentionLook(layer=1, generic=" ".join(generic))  # it looks for red as well, so nothing is left
    heats = []

    class Spy(AttentionLook):
        def maps(self, *args):
            heats.append(super().maps(*args)[0])
            return [heats[-1]]

    for generic in ("", look.generic, "what is here"):
        method = CoarseToFine(Zoom(), detector=Spy(layer=1, generic=generic))
        plan_inputs(rigged, inputs, method, 32, processor=processor)
    assert heats[0].argmax() == heats[2].argmax() == 3
    torch.testing.assert_close(heats[1], torch.ones(16), atol=1e-3, rtol=0)
    with pytest.raises(ValueError, match="a generic prompt needs the processor"):
        plan_inputs(rigged, inputs, CoarseToFine(detector=look), 32)


def test_attached_it_is_as_prepared():
    model, processor = build("llava"), tiny_processor()
    images, text = [torch.rand(3, 90, 70), torch.rand(3, 64, 64)], ["<image> what is here", "<image> to be"]
    processor.tokenizer.padding_side = "left"
    method = CoarseToFine(Zoom())
    inputs, plans = prepare(model, processor, images, text, method=method, budget=21)
    assert [plan.tokens for plan in plans] == [21, 21]
    assert [plan.image_size for plan in plans] == [(90, 70), (64, 64)]
    wanted = model.generate(**inputs, max_new_tokens=3, do_sample=False)[:, -3:]
    logits = model(**inputs).logits
    with attach(model, method, budget=21, processor=processor):
        full = processor(images=images, text=text, return_tensors="pt", padding=True)
        assert torch.equal(model.generate(**full, max_new_tokens=3, do_sample=False)[:, -3:], wanted)
        torch.testing.assert_close(model(**full).logits, logits, rtol=0, atol=0)
    assert "forward" not in vars(model)
