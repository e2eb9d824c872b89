"""Plans before the tower: what verify checks on every family, tiles, budgets, sources, and what is refused."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.testing import assert_close

pytest.importorskip("transformers")

from pyrascope.allocation.plan import Plan
from pyrascope.methods import Foveated, ProgressiveLevels, RateDistortion, Resize, Uniform
from pyrascope.methods.reducers import DivPrune
from pyrascope.models import attach, plan_inputs, prepare
from pyrascope.models.families.adapter import adapted_types, adapter_of
from pyrascope.models.pixels.placing import columns_near
from pyrascope.models.pixels.site import canvases_of
from pyrascope.models.stock.encode import encode
from pyrascope.models.verify.checks import CHECKS
from pyrascope.models.verify.checks.pixels import SITE
from pyrascope.models.verify.small.tiny import BREAK, GLOBAL, IMAGE, RECIPES, Recipe, TinyProcessor, build, prompts
from tiny_models import TEXT, at_site, model_of, nested, pictures, tiny_processor
from tolerances import near, room

FAMILIES = [kind for kind in RECIPES if kind in adapted_types()]
TILED = ["smolvlm", "llava_next", "llava_onevision"]
SQUARE = RateDistortion(aspect=1)
TINY = TinyProcessor()
VARIANTS = {}


@pytest.fixture(params=FAMILIES)
def model(request):
    with torch.no_grad():
        yield model_of(request.param)


@pytest.mark.parametrize("name", CHECKS["pixels"])
def test_what_verify_checks(model, name):
    good, detail = CHECKS["pixels"][name](model, TINY, lambda rows: prompts(model, rows))
    assert good, detail


@pytest.mark.parametrize("name", CHECKS["pixels"])
@pytest.mark.parametrize("variant", ["idefics3", "llava"])
def test_variants_of_families(variant, name, monkeypatch):
    """Idefics3, which SmolVLM is built like, and LLaVA with a SigLIP tower."""
    like = Recipe("Idefics3", RECIPES["smolvlm"].config, "tiles")
    sig = Recipe("Llava", lambda: {**RECIPES["llava_onevision"].config(), "vision_feature_layer": -2})
    monkeypatch.setitem(RECIPES, variant, like if variant == "idefics3" else sig)
    model = VARIANTS.get(variant) or VARIANTS.setdefault(variant, build(variant))
    with torch.no_grad():
        good, detail = CHECKS["pixels"][name](model, TINY, lambda rows: prompts(model, rows))
    assert good, detail


def test_packed_features_of_all_cells_are_the_stock_features(model):
    """Also where stock sees tiles: an image of one view, put through the packed pass."""
    inputs = prompts(model)
    stock = encode(model, inputs)
    groups, canvases = canvases_of(model, inputs, TINY)
    small, plans = plan_inputs(model, inputs, SQUARE, [canvas.count for canvas in canvases], processor=TINY)
    found = small["mm_encoder_outputs"]["image"].pooler_output
    found = torch.cat([rows.reshape(-1, rows.shape[-1]) for rows in found])
    near(found, stock.rows, "transform")
    for canvas, plan in zip(canvases, plans, strict=True):
        assert plan.tokens == canvas.grid[0] * canvas.grid[1]
        assert not plan.levels.any()
    assert len(groups) == 3


@pytest.mark.parametrize("positions", ["original", "compact"])
@pytest.mark.parametrize("method", [SQUARE, RateDistortion(), Foveated(), Uniform(), Resize()], ids=repr)
def test_every_method_of_the_site(model, method, positions):
    inputs = prompts(model)
    small, plans = plan_inputs(model, inputs, method, [4, 1, 6], processor=TINY, positions=positions)
    tokens = [plan.tokens for plan in plans]
    if method in (Resize(), Uniform()):  # which take the grid that fits best
        assert all(0 < found <= budget for found, budget in zip(tokens, (4, 1, 6), strict=True))
    else:
        assert tokens == [4, 1, 6]
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == [tokens[0], tokens[1] + tokens[2]]
    if small["position_ids"].shape == small["input_ids"].shape:  # else M-RoPE, where positions go back and forth
        assert bool((small["position_ids"].diff(dim=1) >= 0).all())
        if positions == "compact":
            row = small["position_ids"][1][small["attention_mask"][1].bool()]
            assert bool((row.diff() <= 1).all())
    assert model(**small).logits.isfinite().all()


def test_each_token_is_encoded_from_its_own_box():
    """One patch of the picture changes: at layer 0 of the tower only the token whose box holds it does too."""
    model = build("llava")
    inputs = prompts(model, (0,))
    model.config.vision_feature_layer = 0
    inputs["pixel_values"] = inputs["pixel_values"] * 0.1
    with torch.no_grad():
        before, (plan,) = plan_inputs(model, inputs, Foveated(), 17)
        changed = {**inputs, "pixel_values": inputs["pixel_values"].clone()}
        box = plan.boxes[5].astype(int)
        changed["pixel_values"][:, :, box[0] : box[2], box[1] : box[3]] += 1e-3
        after, (same,) = plan_inputs(model, changed, at_site("pixels")(lambda scenes, budget, cell: [plan]), 17)
    assert same == plan
    apart = (after["mm_encoder_outputs"]["image"].pooler_output[0]
             - before["mm_encoder_outputs"]["image"].pooler_output[0]).abs().amax(1)  # fmt: skip
    y, x = np.floor((plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2 / 8).T
    order = np.lexsort((x, y))
    assert int(apart.argmax()) == order.tolist().index(5)
    assert (apart > apart.max() / 2).sum() == 1


@pytest.mark.parametrize("kind", TILED)
def test_below_the_full_budget_tiles_are_one_image(kind):
    """As many tokens as there are cells: those of the whole image at its own places, none of views or row ends."""
    model, inputs = model_of(kind), prompts(model_of(kind))
    _, canvases = canvases_of(model, inputs, TINY)
    cells = [canvas.grid[0] * canvas.grid[1] for canvas in canvases]
    tiled = [canvas.views > 1 for canvas in canvases]
    assert tiled.count(True) >= 2
    assert all(canvas.count > cell for canvas, cell, one in zip(canvases, cells, tiled, strict=True) if one)
    with torch.no_grad():
        small, plans = plan_inputs(model, inputs, SQUARE, cells, processor=TINY)
        assert all(plan.is_partition and not plan.levels.any() for plan in plans)
        assert (small["input_ids"] == IMAGE).sum(1).tolist() == [cells[0], cells[1] + cells[2]]
        mixed, _ = plan_inputs(model, inputs, SQUARE, [canvases[0].count, 3, 4], processor=TINY)
        alone, _ = plan_inputs(model, prompts(model, (1,)), SQUARE, [3, 4], processor=TINY)
        near(model(**mixed).logits[1:, -1], model(**alone).logits[:, -1], "transform")
        stock = model(**prompts(model, (0,))).logits[:, -1]
        near(model(**mixed).logits[:1, -1], stock)


def test_markers_of_tiles_leave_and_that_of_the_global_view_stays():
    model = model_of("smolvlm")
    inputs = prompts(model)
    assert int((inputs["input_ids"] == BREAK).sum()) == 3
    small, _ = plan_inputs(model, inputs, SQUARE, [20, 2, 16], processor=TINY)
    ids, places = small["input_ids"], (small["input_ids"] == GLOBAL).nonzero().tolist()
    assert not (ids == BREAK).any()
    assert len(places) == 3
    for (row, column), tokens in zip(places, (20, 2, 16), strict=True):
        assert bool((ids[row, column + 1 : column + 1 + tokens] == IMAGE).all())
        assert int(ids[row, column + 1 + tokens]) != IMAGE


def test_between_the_grid_and_the_full_count_the_range_is_named():
    model = model_of("smolvlm")
    with pytest.raises(ValueError, match=r"budget must be .* from 1 to 32, got 40; plans have 32 cells .* 48 tokens"):
        plan_inputs(model, prompts(model, (0,)), SQUARE, 40, processor=TINY)
    with pytest.raises(ValueError, match="from 1 to 48, got 49"):
        plan_inputs(model, prompts(model, (0,)), SQUARE, 49, processor=TINY)


def test_images_of_a_prompt_are_planned_together(model):
    inputs = prompts(model)
    small, plans = plan_inputs(model, inputs, SQUARE, 8, processor=TINY, share="prompt")
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == [8, 8]
    assert plans[0].tokens == 8
    assert plans[1].tokens + plans[2].tokens == 8
    full = sum(SITE.counts(model, TINY, prompts(model, (0,))))
    with torch.no_grad():
        whole, _ = plan_inputs(model, prompts(model, (0,)), SQUARE, full, processor=TINY, share="prompt")
        stock = model(**prompts(model, (0,))).logits[:, -1]
        near(model(**whole).logits[:, -1], stock, "transform")


def test_a_method_may_choose_its_budget():
    model = model_of("smolvlm")
    small, plans = plan_inputs(model, prompts(model), ProgressiveLevels(), None, processor=TINY)
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == [plans[0].tokens, plans[1].tokens + plans[2].tokens]


@given(data=st.data(), count=st.integers(1, 40))
def test_columns_rise_and_stay_near_the_stock_token(data, count):
    token = sorted(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=count)))
    found = columns_near(torch.tensor(token), count).tolist()
    assert found == sorted(set(found))
    assert found[0] >= 0
    assert found[-1] < count
    if len(set(token)) == len(token):
        assert found == token


def test_gradients_reach_the_tower():
    model = build("llava")
    inputs = prompts(model)
    labels = inputs["input_ids"].masked_fill(inputs["input_ids"] == IMAGE, -100)
    small, _ = plan_inputs(model, {**inputs, "labels": labels}, SQUARE, 4)
    model(**small).loss.backward()
    assert float(model.model.vision_tower.embeddings.patch_embedding.weight.grad.abs().sum()) > 0
    assert float(model.model.vision_tower.embeddings.position_embedding.weight.grad.abs().sum()) > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_on_the_cpu(dtype):
    model = build("llava")
    inputs = prompts(model)
    with torch.no_grad():
        wanted = model(**plan_inputs(model, inputs, SQUARE, 9)[0]).logits[:, -1]
        half = {**inputs, "pixel_values": inputs["pixel_values"].to(dtype)}
        found = model.to(dtype)(**plan_inputs(model, half, SQUARE, 9)[0]).logits[:, -1]
    assert found.dtype == dtype
    assert_close(found.float(), wanted, atol=0.15, rtol=0)


@torch.no_grad()
def test_prepare_plans_in_the_source():
    model, processor, images = model_of("llava"), tiny_processor(), pictures()
    inputs, plans = prepare(model, processor, nested(images), TEXT, method=SQUARE, budget=12, finest="source")
    assert (inputs["input_ids"] == IMAGE).sum(1).tolist() == [12, 24]
    assert [plan.image_size for plan in plans] == [(120, 180), (64, 64), (256, 200)]
    assert all(isinstance(plan, Plan) and plan.is_partition for plan in plans)
    assert model(**inputs).logits.isfinite().all()
    same, none = prepare(model, processor, None, "what is here", method=SQUARE, budget=7)
    assert none == []
    assert "mm_encoder_outputs" not in same
    _, kept = prepare(model, processor, nested(images), TEXT, method=DivPrune(), budget=7)
    assert len(kept[0].kept) == 7


@torch.no_grad()
def test_detail_beyond_the_grid_is_seen_in_the_source():
    """A small patch of noise in a large grey picture: boxes finer than stock's go there, and nowhere else."""
    model, processor = model_of("llava"), tiny_processor()
    shown = np.full((512, 512, 3), 128, np.uint8)
    shown[64:96, 320:352] = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    options = {"method": SQUARE, "budget": 40, "finest": "source"}
    small, (plan,) = prepare(model, processor, [Image.fromarray(shown)], "<image> what", **options)
    native = np.log2(512 / 64)
    fine = plan.levels[:, 0] < native - 1.5
    assert (plan.levels[:, 0].min(), plan.tokens) == (0, 40)
    assert fine.any()
    centre = (plan.boxes[fine, :2] + plan.boxes[fine, 2:]) / 2
    assert (abs(centre - [80, 336]) < 64).all()
    held = small["position_ids"][0, small["input_ids"][0] == IMAGE].tolist()
    assert len(set(held)) < len(held)  # several tokens within one stock cell share its position
    _, (grid,) = prepare(model, processor, [Image.fromarray(shown)], "<image> what", method=SQUARE, budget=40)
    assert grid.levels.min() >= native - room(native, dtype=torch.float32)


@torch.no_grad()
@pytest.mark.parametrize("cast", [torch.float32, torch.bfloat16])
def test_attached_the_processor_remembers_its_images(cast):
    model, processor, images = model_of("llava"), tiny_processor(), pictures()
    kind = type(processor)
    wanted, _ = prepare(model, processor, nested(images), TEXT, method=SQUARE, budget=12, finest=1)
    tokens = model.generate(**wanted, max_new_tokens=3, do_sample=False)[:, -3:]
    with attach(model, SQUARE, 12, processor=processor, finest=1):
        full = processor(images=nested(images), text=TEXT, return_tensors="pt", padding=True)
        processor(images=images[:1], text=TEXT[0], return_tensors="pt")  # another call comes between
        full["pixel_values"] = full["pixel_values"].to(cast)
        assert isinstance(processor, kind)
        out = model.generate(**full, max_new_tokens=3, do_sample=False)
        if cast is torch.float32:
            assert torch.equal(out[:, -3:], tokens)
        again = model(**{name: value.clone() for name, value in full.items()})
        assert again.logits.shape[1] == wanted["input_ids"].shape[1]
    assert type(processor) is kind
    with pytest.raises(KeyError), attach(model, SQUARE, 12, processor=processor):
        raise KeyError
    assert type(processor) is kind


@torch.no_grad()
def test_without_the_source_it_is_said_once():
    model, processor = model_of("llava"), tiny_processor()
    before = processor(images=nested(pictures()), text=TEXT, return_tensors="pt", padding=True)
    with attach(model, SQUARE, 12, processor=processor):
        with pytest.warns(UserWarning, match="source images are not known"):
            found = model(**before).logits
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert torch.equal(model(**before).logits, found)
            known = processor(images=nested(pictures()), text=TEXT, return_tensors="pt", padding=True)
            near(model(**known).logits, found)
    warned = pytest.warns(UserWarning, match="not known")
    refused = pytest.raises(ValueError, match="needs the source images, got none")
    with attach(model, SQUARE, 12, processor=processor, finest="source"), warned, refused:
        model(**before)


def test_bad_input_is_refused():
    model = model_of("llava")
    inputs = prompts(model)
    with pytest.raises(TypeError, match="must be an allocator"):
        plan_inputs(model, inputs, DivPrune(), 4)
    with pytest.raises(ValueError, match="from 1 to 64, got 65"):
        plan_inputs(model, inputs, SQUARE, 65)
    with pytest.raises(ValueError, match="from 1 to 64, got 0"):
        plan_inputs(model, inputs, SQUARE, 0)
    with pytest.raises(ValueError, match="videos cannot yet"):
        plan_inputs(model, {**inputs, "pixel_values_videos": torch.zeros(1)}, SQUARE, 4)
    with pytest.raises(ValueError, match="192 placeholders for 128 features"):
        plan_inputs(model, {**inputs, "pixel_values": inputs["pixel_values"][:2]}, SQUARE, 4)
    with pytest.raises(ValueError, match=r"\(images, c, h, w\), got \(1, 3, 3, 64, 64\)"):
        plan_inputs(model, {**inputs, "pixel_values": inputs["pixel_values"][None]}, SQUARE, 4)
    with pytest.raises(ValueError, match="views of 8 rows and 8 columns of patches of 8 px, got 32x128 px"):
        plan_inputs(model, {**inputs, "pixel_values": torch.zeros(3, 3, 32, 128)}, SQUARE, 4)
    with pytest.raises(ValueError, match="as many images as sources, got 3 and 2"):
        plan_inputs(model, inputs, SQUARE, 4, images=pictures()[:2])
    with pytest.raises(ValueError, match="finest must be 'grid', 'source' or a number of octaves from 0 to 3, got 4"):
        plan_inputs(model, inputs, SQUARE, 4, images=pictures(), finest=4)
    with pytest.raises(ValueError, match="positions must be one of"):
        plan_inputs(model, inputs, SQUARE, 4, positions="here")
    with pytest.raises(ValueError, match="12 tokens in all, got 5 tokens"):
        plan_inputs(model, inputs, at_site("pixels")(lambda scenes, budget, cell: Uniform()(scenes, 5, cell)), 12)
    text = {"input_ids": torch.tensor([[5, 6, 7]])}
    assert plan_inputs(model, text, SQUARE, 4) == (text, [])


def test_views_that_do_not_match_are_refused():
    model = model_of("llava_next")
    inputs = prompts(model)
    with pytest.raises(ValueError, match=r"\[3, 3, 3\] views .* got shape \(3, 2, 3, 64, 64\)"):
        plan_inputs(model, {**inputs, "pixel_values": inputs["pixel_values"][:, :2]}, SQUARE, 4)


@pytest.mark.parametrize(("kind", "strategy"), [("llava", "full"), ("llava_onevision", "default")])
def test_tokens_that_are_no_patches_are_refused(kind, strategy):
    model = build(kind)
    inputs = prompts(model)
    model.config.vision_feature_select_strategy = strategy
    with pytest.raises(NotImplementedError, match="class token"):
        plan_inputs(model, inputs, SQUARE, 4)


def test_convolutions_are_refused_with_the_reason():
    fast = SimpleNamespace(config=SimpleNamespace(model_type="fast_vlm"))
    with pytest.raises(NotImplementedError, match=r"convolutions, which cannot take packed patches; use plan\.crops"):
        adapter_of(fast)


@torch.no_grad()
@pytest.mark.parametrize("mean", [True, False])
def test_internvl_with_either_norm_and_in_tiles(mean, monkeypatch):
    config = RECIPES["internvl"].config()
    config["vision_config"]["use_mean_pooling"] = mean
    monkeypatch.setitem(RECIPES, "internvl", Recipe("InternVL", lambda: config))
    model = build("internvl")
    model.base_model.vision_tower.layernorm.apply(_spread)
    good, detail = CHECKS["pixels"]["full budget: logits"](model, TINY, lambda rows: prompts(model, rows))
    assert good, detail
    whole = torch.nn.functional.interpolate(prompts(model, (0,))["pixel_values"], (64, 128), mode="bicubic")
    view = torch.nn.functional.interpolate(whole, (64, 64), mode="bilinear", antialias=True)
    ids = torch.tensor([[5, *[IMAGE] * 48, 6, 7]])
    tiles = {"input_ids": ids, "pixel_values": torch.cat([whole[..., :64], whole[..., 64:], view])}
    full, (plan,) = plan_inputs(model, tiles, SQUARE, 48)
    assert plan.image_size == (64, 128)
    near(model(**full).logits, model(**tiles).logits)
    small, (plan,) = plan_inputs(model, tiles, SQUARE, 32)
    assert (plan.tokens, int((small["input_ids"] == IMAGE).sum())) == (32, 32)
    held = small["position_ids"][0, 1:33].tolist()
    assert held == list(range(1, 33))  # tile by tile, as stock has them; the global view behind them left


def _spread(module):
    if hasattr(module, "weight"):
        module.weight.uniform_(0.5, 2)
