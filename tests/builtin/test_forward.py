"""What training runs is what the stock model computes."""

import pytest
import torch

from pyrascope.builtin.architecture import GRID, fresh
from pyrascope.builtin.forward import LAST, features_of, places, positions, question_mask, reply_to
from pyrascope.builtin.heads import Heads
from pyrascope.builtin.package import export, load, load_heads, processor
from pyrascope.builtin.train.crops import grid_boxes, patches, scaled
from pyrascope.methods import CoarseToFine, Zoom
from pyrascope.models import plan_inputs
from pyrascope.models.families.parts.canvas import raster
from pyrascope.models.prompts.placement import by_centre
from pyrascope.tokens.gather import gather_patches
from pyrascope.world.scenes import sample
from pyrascope.world.vocabulary import IDS, encoded, words_of
from tolerances import near

pytest.importorskip("transformers")
TINY = {"width": 32, "encoder": 2, "decoder": 2}


@pytest.fixture(scope="module")
def model():
    made = fresh(1, **TINY).eval()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        for weight in made.parameters():
            if weight.ndim > 1:
                weight.add_(0.1 * torch.randn_like(weight))
    return made


def full(image):
    boxes = grid_boxes(GRID, GRID, 16)
    centers = torch.from_numpy((boxes[:, :2] + 8) / 512).float()
    return torch.from_numpy(patches(scaled(image)))[None], centers[None]


@torch.no_grad()
def test_full_grid_equals_the_stock_model(model):
    shown = sample(1, 0)
    inputs = processor()(images=shown.image, text=f"<image>{shown.question}", return_tensors="pt")
    ids = encoded(words_of(shown.question))
    assert inputs["input_ids"][0].tolist() == [IDS["<image>"]] * 1024 + ids
    stock = model(**inputs).logits[0, 1024:]
    shown_patches, centers = full(shown.image)
    own = reply_to(model, features_of(model, shown_patches, centers), centers, torch.tensor(ids)[None, None]).logits
    near(own[0, 0], stock)
    assert stock.std() > 0.1


@torch.no_grad()
def test_four_questions_at_once_equal_each_alone(model):
    random = torch.Generator().manual_seed(0)
    features = torch.randn(2, 9, TINY["width"], generator=random)
    centers = torch.rand(2, 9, 2, generator=random)
    text = torch.randint(4, 60, (2, 4, 7), generator=random)
    together = reply_to(model, features, centers, text).logits
    for i in range(4):
        alone = reply_to(model, features, centers, text[:, i : i + 1]).logits
        near(together[:, i], alone[:, 0])


def test_positions_at_centres_of_cells_are_the_table():
    table = torch.randn(GRID * GRID, 6)
    centers = torch.from_numpy((grid_boxes(GRID, GRID, 16)[:, :2] + 8) / 512)[None]
    near(positions(table, centers)[0], table)
    between = torch.tensor([[[2 / GRID, 3 / GRID]]])
    four = table.reshape(GRID, GRID, 6)[1:3, 2:4].mean((0, 1))
    near(positions(table, between)[0, 0], four)


def test_question_mask_by_brute_force():
    found = question_mask(3, 2, 2)
    for i in range(7):
        for j in range(7):
            own = j < 3 or (j - 3) // 2 == (i - 3) // 2
            assert bool(found[i, j]) == (j <= i and own)


@torch.no_grad()
def test_a_folder_loads_offline_and_answers_alike(model, tmp_path):
    heads = Heads(TINY["width"])
    export(model, heads, tmp_path)
    again, tools = load(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors"}
    for name, value in again.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[name], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(load_heads(tmp_path).key.weight, heads.key.weight, atol=1e-3, rtol=1e-3)
    shown = sample(1, 0)
    inputs = tools(images=shown.image, text=f"<image>{shown.question}", return_tensors="pt")
    torch.testing.assert_close(again(**inputs).logits, model(**inputs).logits, atol=1e-2, rtol=1e-2)


def test_weights_that_are_missing_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="weights must be in"):
        load(tmp_path)


@torch.no_grad()
def test_a_plan_of_mixed_boxes_answers_as_training_computes(model):
    """With the adapter's defaults, and the tokens in the order in which it gives them."""
    shown = sample(1, 0)
    inputs = processor()(images=shown.image, text=f"<image> {shown.question}", return_tensors="pt")
    small, (plan,) = plan_inputs(model, inputs, CoarseToFine(Zoom(), share=67), 96)
    assert len({tuple(level) for level in plan.levels}) == 2
    middles = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
    order = by_centre(torch.from_numpy(middles / 16), raster(GRID, GRID)).boxes
    patches_of = gather_patches(inputs["pixel_values"][0], plan).flatten(1)[order][None]
    centers = torch.from_numpy(middles / 512).float()[order][None]
    ids = torch.tensor(encoded(words_of(shown.question)))[None, None]
    own = reply_to(model, features_of(model, patches_of, centers), centers, ids).logits[0, 0]
    near(own, model(**small).logits[0, 96:])
    biased, _ = plan_inputs(model, inputs, CoarseToFine(Zoom(), share=67), 96, sized=0.5)
    assert float((own - model(**biased).logits[0, 96:]).abs().max()) > 1e-3


@torch.no_grad()
def test_the_first_head_attends_as_the_stock_model_does(model):
    random = torch.Generator().manual_seed(0)
    centers = torch.rand(1, 9, 2, generator=random)
    features = torch.randn(1, 9, TINY["width"], generator=random)
    text = torch.randint(4, 60, (1, 1, 7), generator=random)
    reply = reply_to(model, features, centers, text)
    words = model.model.language_model.embed_tokens(text[:, 0])
    place = torch.cat([places(centers), LAST + torch.arange(7)[None]], 1)
    inputs = torch.cat([model.model.multi_modal_projector(features), words], 1)
    model.set_attn_implementation("eager")
    stock = model.model.language_model(inputs_embeds=inputs, position_ids=place, output_attentions=True).attentions
    for scores, block in ((reply.attended, TINY["decoder"] // 2 - 1), (reply.aimed, -1)):
        share = stock[block][0, 0, 9:]  # of the first head
        near(scores[0, 0].softmax(-1), share)
