"""Qwen's towers at the pixels site against the towers themselves."""

import numpy as np
import pytest
import torch
from torch.nn.functional import grid_sample

import pyrascope as ps
from pyrascope.models.families.adapter import adapter_of
from pyrascope.models.families.parts.tower import Cells
from pyrascope.models.families.qwen import table_samples, windows
from pyrascope.models.pixels.site import plan_inputs
from pyrascope.models.verify.small.tiny import build, prompts
from pyrascope.tokens.gather import gather_patches
from tolerances import near

transformers = pytest.importorskip("transformers")
vision_utils = pytest.importorskip("transformers.vision_utils")

KINDS = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"]


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    return build(request.param)


def native(canvas):
    """All cells of the stock grid."""
    rows, columns = canvas.grid
    corner = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).double()
    plan = ps.plan(canvas.pixels, rows * columns, ps.methods.Uniform(), cell=canvas.cell)
    return Cells(gather_patches(canvas.pixels, plan), torch.cat([corner, corner + 1], 1), canvas.grid)


def some(cells, keep):
    return Cells(cells.patches[keep], cells.boxes[keep], cells.grid)


def mixed(canvas, tokens, method=None):
    """Boxes of several levels."""
    plan = ps.plan(canvas.pixels, tokens, method, cell=canvas.cell)
    return Cells(gather_patches(canvas.pixels, plan), torch.from_numpy(canvas.boxes(plan)), canvas.grid)


def canvases(model, inputs):
    return adapter_of(model).canvases(model, inputs, [])


def planes(encoded):
    return [encoded.rows, *encoded.deepstack]


def stock(model, inputs):
    visual = model.base_model.visual
    out = visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"], return_dict=True)
    return [out.pooler_output, *(getattr(out, "deepstack_features", None) or [])]


def test_the_full_grid_is_stock_bit_for_bit(model):
    inputs = prompts(model)
    found = adapter_of(model).encode(model, [native(canvas) for canvas in canvases(model, inputs)])
    assert list(found.items) == adapter_of(model).items(model, inputs) == [24, 6, 8]
    wanted = stock(model, inputs)
    assert len(planes(found)) == len(wanted)
    for ours, theirs in zip(planes(found), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


def test_together_equals_alone(model):
    cells = [mixed(canvas, 5) for canvas in canvases(model, prompts(model))]
    together = adapter_of(model).encode(model, cells)
    alone = [adapter_of(model).encode(model, [one]) for one in cells]
    for k, ours in enumerate(planes(together)):
        near(ours, torch.cat([planes(one)[k] for one in alone]), "transform")


@pytest.mark.parametrize("seed", [0, 1])
def test_dropping_equals_masking(model, seed):
    inputs = prompts(model, (0,))
    cells = native(canvases(model, inputs)[0])
    keep = torch.randperm(24, generator=torch.Generator().manual_seed(seed))[:9].sort().values
    order = windows([cells], 2)[0] if hasattr(model.base_model.visual, "window_size") else torch.arange(24)
    shown = torch.isin(order, keep).repeat_interleave(4)
    place = 0

    def masked(module, query, key, value, attention_mask, scaling, dropout=0.0, **kwargs):
        nonlocal place
        mine = shown[place : place + key.shape[2]]
        place = (place + key.shape[2]) % len(shown)
        weight = query @ key.transpose(-1, -2) * scaling
        weight = weight.masked_fill(~mine, torch.finfo(weight.dtype).min).softmax(-1)
        return (weight @ value).transpose(1, 2), None

    found = planes(adapter_of(model).encode(model, [some(cells, keep)]))
    config = model.base_model.visual.config
    kind = config._attn_implementation
    transformers.AttentionInterface.register("masked", masked)
    try:
        config._attn_implementation = "masked"
        wanted = stock(model, inputs)
    finally:
        config._attn_implementation = kind
    for ours, theirs in zip(found, wanted, strict=True):
        near(ours, theirs[keep], "transform")
    assert float((theirs - stock(model, inputs)[-1]).abs().max()) > 1e-3  # the mask did something


@pytest.mark.parametrize("kind", KINDS[:2])  # the third has a table of absolute positions
def test_only_the_distance_between_boxes_matters(kind):
    model = build(kind)
    cells = mixed(canvases(model, prompts(model, (0,)))[0], 10)
    moved = Cells(cells.patches, cells.boxes + 8.25, (30, 30))
    here, far = (adapter_of(model).encode(model, [one]).rows for one in (cells, moved))
    if kind == "qwen2_vl":
        near(far, here, "transform")
    stretched = Cells(cells.patches, cells.boxes * torch.tensor([1.0, 1.5, 1.0, 1.5]), (30, 30))
    assert float((adapter_of(model).encode(model, [stretched]).rows - here).abs().max()) > 1e-3


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_coarse_grid_is_a_small_image_at_wider_positions(kind):
    model = build(kind)
    visual = model.base_model.visual
    canvas = canvases(model, prompts(model, (0,)))[0]
    coarse = mixed(canvas, 6, ps.methods.Resize())
    assert len(coarse.boxes) == 6
    rows = coarse.cut(2)[:, :, None].repeat(1, 1, 2, 1, 1).flatten(1)
    place = vision_utils.get_vision_position_ids(torch.tensor([[1, 4, 6]]), 2)
    wanted = visual(rows, grid_thw=torch.tensor([[1, 4, 6]]), position_ids=place * 2 + 0.5, return_dict=True)
    found = adapter_of(model).encode(model, [coarse])
    torch.testing.assert_close(found.rows, wanted.pooler_output, atol=0, rtol=0)


@pytest.mark.parametrize("aligned", [True, False])
def test_the_table_of_positions_is_sampled_as_by_torch(aligned):
    visual = build("qwen3_vl").base_model.visual
    visual.interpolation_align_corners = aligned
    grid = (9, 5)
    places = torch.rand(40, 2, generator=torch.Generator().manual_seed(0)).double() * torch.tensor([10.0, 6.0]) - 1
    index, weight = table_samples(visual, places, grid)
    ours = (visual.pos_embed(index) * weight[..., None]).sum(1)
    table = visual.pos_embed.weight.T.reshape(1, -1, 8, 8)
    inside = places.clamp(min=0).minimum(torch.tensor([8.0, 4.0]))
    share = inside / torch.tensor([8, 4]) if aligned else (inside + 0.5) / torch.tensor([9, 5])
    where = (share * 2 - 1).flip(-1).float()[None, None]
    theirs = grid_sample(table, where, padding_mode="border", align_corners=aligned)[0, :, 0].T
    near(ours, theirs, "transform")
    single = table_samples(visual, places, (1, 1))[1]
    near(single.sum(1), torch.ones(40))


@pytest.mark.parametrize("merge", [1, 2])
def test_canvases_undo_the_layout_of_the_processor(merge):
    processor = transformers.Qwen2VLImageProcessor(
        patch_size=8, merge_size=merge, min_pixels=1, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    model = build("qwen2_vl")
    model.base_model.visual.spatial_merge_size = merge
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (side, 64, 3), dtype=np.uint8) for side in (32, 48)]
    made = processor(pictures, return_tensors="pt")
    for picture, canvas in zip(pictures, canvases(model, made), strict=True):
        wanted = torch.from_numpy(picture).permute(2, 0, 1) / 127.5 - 1
        near(canvas.pixels, wanted)
        assert canvas.cell == 8 * merge
        assert canvas.grid == (picture.shape[0] // canvas.cell, 64 // canvas.cell)


def test_windows_of_a_level_are_those_of_a_small_image():
    rows, columns, scale = 5, 7, 4.0
    corner = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)) * scale
    boxes = torch.cat([corner, corner + scale], 1).double()
    order, sizes = windows([Cells(boxes, boxes, (20, 28))], 2)
    grid = torch.tensor([[1, 2 * rows, 2 * columns]])
    wanted, ends = vision_utils.get_vision_window_index(grid, 2, window_size=32, patch_size=8)
    assert torch.equal(order, wanted)
    assert torch.equal(sizes * 4, ends.diff())


def test_positions_of_the_language_model_are_the_true_centres(model):
    inputs = prompts(model, (0,))
    small, plans = plan_inputs(model, inputs, ps.methods.Resize(), 6)
    boxes = torch.tensor(plans[0].boxes) / 16
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    shown = small["input_ids"][0] == model.config.image_token_id
    start = int(shown.nonzero()[0])
    place = small["position_ids"][:, 0]
    assert torch.equal(place[0], torch.arange(len(shown)).to(place.dtype))
    assert torch.equal(place[1, shown], torch.full((6,), start).float())
    torch.testing.assert_close(place[2:, shown].double(), centre.T + start, atol=0, rtol=0)


def test_a_video_is_refused(model):
    inputs = prompts(model, (0,))
    pixels = inputs["pixel_values"].clone()
    pixels[5, 70] += 1
    with pytest.raises(ValueError, match="images must have one frame, shown twice"):
        canvases(model, {**inputs, "pixel_values": pixels})


def test_a_tower_that_takes_no_geometry_fails_instead_of_computing_another(model):
    inputs = prompts(model, (0,))
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        model.base_model.visual(inputs["pixel_values"], grid_thw=torch.zeros(1, 3, dtype=torch.long))


def test_plans_finer_than_the_grid_know_the_source(model):
    processor = transformers.Qwen2VLImageProcessor(patch_size=8, min_pixels=1, max_pixels=24 * 256)
    source = np.zeros((128, 192, 3), np.uint8)
    source[64:96, 32:64] = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    made = dict(processor([source], return_tensors="pt"))
    assert made["image_grid_thw"].tolist() == [[1, 8, 12]]  # half the source's sides
    text = prompts(model, (0,))
    inputs = {**text, "pixel_values": made["pixel_values"], "image_grid_thw": made["image_grid_thw"]}
    small, plans = plan_inputs(
        model, inputs, ps.methods.RateDistortion(), 14, processor=processor, images=[source], finest="source"
    )
    assert plans[0].image_size == (128, 192)
    assert plans[0].tokens == 14
    inside = (plans[0].boxes[:, :2] >= (64, 32)).all(1) & (plans[0].boxes[:, 2:] <= (96, 64)).all(1)
    sides = plans[0].boxes[inside, 2:] - plans[0].boxes[inside, :2]
    assert sides.min() == 16  # one token of 16 px for 16 px of the source, where stock has 32
    start = int((small["input_ids"][0] == model.config.image_token_id).nonzero()[0])
    centres = (plans[0].boxes[:, :2] + plans[0].boxes[:, 2:]) / 64 - 0.5 + start
    found = small["position_ids"][2:, 0, small["input_ids"][0] == model.config.image_token_id]
    assert sorted(map(tuple, found.T.tolist())) == sorted(map(tuple, centres.tolist()))
    assert bool(model(**small).logits.isfinite().all())
