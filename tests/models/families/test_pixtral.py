"""Mistral3's tower at the pixels site against the tower itself."""

import pytest
import torch

import pyrascope as ps
from pyrascope.models.families.adapter import adapter_of
from pyrascope.models.families.parts import small as recipes
from pyrascope.models.families.parts.tower import Cells
from pyrascope.models.pixels.site import plan_inputs
from pyrascope.models.verify.small import tiny
from pyrascope.models.verify.small.tiny import BREAK, IMAGE, build, prompts
from pyrascope.tokens.gather import gather_patches
from tolerances import near

transformers = pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def model():
    return build("mistral3")


def planned(canvas, tokens, method=None):
    plan = ps.plan(canvas.pixels, tokens, method, cell=canvas.cell)
    return Cells(gather_patches(canvas.pixels, plan), torch.from_numpy(canvas.boxes(plan)), canvas.grid)


def native(canvas):
    """All cells of the stock grid, in its order."""
    cells = planned(canvas, canvas.count)
    order = (cells.boxes[:, 0] * canvas.grid[1] + cells.boxes[:, 1]).argsort()
    return some(cells, order)


def some(cells, keep):
    return Cells(cells.patches[keep], cells.boxes[keep], cells.grid)


def encode(model, cells):
    return adapter_of(model).encode(model, cells).rows


def canvases(model, rows=(0, 1)):
    return adapter_of(model).canvases(model, prompts(model, rows), [])


def stock(model, rows=(0, 1)):
    inputs = prompts(model, rows)
    return torch.cat(model.base_model.get_image_features(inputs["pixel_values"], inputs["image_sizes"]).pooler_output)


@pytest.mark.parametrize("layer", [-1, -2, 1, [-2]])
def test_the_full_grid_is_stock(model, layer):
    before = model.config.vision_feature_layer
    try:
        model.config.vision_feature_layer = layer
        found = adapter_of(model).encode(model, [native(canvas) for canvas in canvases(model)])
        assert list(found.items) == adapter_of(model).items(model, prompts(model)) == [16, 8, 8]
        near(found.rows, stock(model), "transform")
    finally:
        model.config.vision_feature_layer = before


def test_together_equals_alone(model):
    cells = [planned(canvas, 5) for canvas in canvases(model)]
    together = encode(model, cells)
    near(together, torch.cat([encode(model, [one]) for one in cells]), "transform")


def test_dropping_equals_masking(model):
    keep = torch.tensor([0, 3, 4, 5, 6, 10, 11])
    canvas = canvases(model, (0,))[0]
    found = encode(model, [some(native(canvas), keep)])
    shown = torch.zeros(4, 4, dtype=torch.bool)
    shown.view(-1)[keep] = True
    shown = shown.repeat_interleave(2, 0).repeat_interleave(2, 1).flatten()  # of the patches, in reading order
    config = model.base_model.vision_tower.config

    def masked(module, query, key, value, attention_mask, scaling, dropout=0.0, **kwargs):
        weight = (query @ key.transpose(-1, -2) * scaling).masked_fill(~shown, -torch.inf).softmax(-1)
        return (weight @ value).transpose(1, 2), None

    kind = config._attn_implementation
    transformers.AttentionInterface.register("masked", masked)
    try:
        config._attn_implementation = "masked"
        wanted = stock(model, (0,))
    finally:
        config._attn_implementation = kind
    near(found, wanted[keep], "transform")
    assert float((wanted - stock(model, (0,))).abs().max()) > 1e-3


def test_only_the_distance_between_boxes_matters(model):
    cells = planned(canvases(model, (0,))[0], 7)
    moved = Cells(cells.patches, cells.boxes + 8.25, (30, 30))
    here = encode(model, [cells])
    near(encode(model, [moved]), here, "transform")
    stretched = Cells(cells.patches, cells.boxes * torch.tensor([1.0, 1.5, 1.0, 1.5]), (30, 30))
    assert float((encode(model, [stretched]) - here).abs().max()) > 1e-3


def test_a_coarse_grid_is_a_small_image_at_wider_positions(model):
    coarse = planned(canvases(model, (0,))[0], 4, ps.methods.Resize())
    picture = coarse.patches.reshape(2, 2, 3, 16, 16).permute(2, 0, 3, 1, 4).reshape(1, 3, 32, 32)
    rotation = model.base_model.vision_tower.patch_positional_embedding

    def wider(module, given):
        return given[0], given[1] * 2 + 0.5

    handle = rotation.register_forward_pre_hook(wider)
    try:
        wanted = model.base_model.get_image_features(picture, torch.tensor([[32, 32]])).pooler_output[0]
    finally:
        handle.remove()
    near(encode(model, [coarse]), wanted, "transform")


def test_ends_of_rows_stay_between_rows_of_tokens_only(model):
    inputs = prompts(model, (0,))  # 4 rows of 4
    full, _ = plan_inputs(model, inputs, ps.methods.RateDistortion(), 16)
    assert torch.equal(full["input_ids"], inputs["input_ids"])
    small, _ = plan_inputs(model, inputs, ps.methods.Resize(), 4)  # 2 rows of 2
    ids = small["input_ids"][0].tolist()
    assert ids[3:8] == [IMAGE, IMAGE, BREAK, IMAGE, IMAGE]
    assert ids[:3] + ids[8:] == [token for token in inputs["input_ids"][0].tolist() if token not in (IMAGE, BREAK)]
    one, _ = plan_inputs(model, inputs, ps.methods.Resize(), 1)
    assert one["input_ids"][0].tolist().count(BREAK) == 0
    assert one["position_ids"][0, -1] == inputs["input_ids"].shape[1] - 1


def test_padding_is_left_out(model):
    for canvas, size in zip(canvases(model), prompts(model)["image_sizes"].tolist(), strict=True):
        assert list(canvas.pixels.shape[1:]) == size


PIXTRAL = {**recipes.VIT, "model_type": "pixtral", "head_dim": 16}
OTHERS = {
    "lighton_ocr": ("LightOnOcr", PIXTRAL, "qwen3", {"spatial_merge_size": 2}),
    "llava": ("Llava", {**PIXTRAL, "patch_size": 16}, "mistral", {"vision_feature_select_strategy": "full"}),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("layer", [-1, [0, -2]])
def test_other_models_on_this_tower_equal_stock(kind, layer, monkeypatch):
    prefix, vision, text, more = OTHERS[kind]
    more = {**more, "vision_feature_layer": layer} if kind == "llava" else more
    recipe = recipes.Recipe(prefix, recipes.config_of(vision, recipes.text(text), **more), "sized")
    monkeypatch.setitem(tiny.RECIPES, kind, recipe)
    other = build(kind)
    inputs = prompts(other)
    full, _ = plan_inputs(other, inputs, ps.methods.RateDistortion(), [16, 8, 8])
    assert torch.equal(full["input_ids"], inputs["input_ids"])
    near(other(**full).logits, other(**inputs).logits, "transform")
    small, _ = plan_inputs(other, inputs, ps.methods.RateDistortion(), 3)
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == [3, 6]
    alone, _ = plan_inputs(other, prompts(other, (1,)), ps.methods.RateDistortion(), 3)
    together = other(**small).logits[1:, -1]
    near(other(**alone).logits[:, -1], together, "transform")
