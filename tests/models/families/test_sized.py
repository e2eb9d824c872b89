"""Sized attention: the bias against attention written out, what it is for, and where it is nothing or refused."""

import copy

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.methods import RateDistortion, TwoLevels
from pyrascope.models import PixelOptions, attach, plan_inputs
from pyrascope.models.families.adapter import sized_of
from pyrascope.models.families.parts.tower import Cells, area_bias
from pyrascope.models.families.parts.trunk import encode_cells, trunk_of
from pyrascope.models.verify.small.tiny import TinyProcessor, prompts
from tiny_models import model_of
from tolerances import near, room

TAKEN = {
    "llava": "vision_tower",
    "llava_onevision": "vision_tower",
    "smolvlm": "vision_model",
    "internvl": "vision_tower",
}
REFUSED = ["qwen2_vl", "mistral3", "paddleocr_vl"]
UNCLASSED = ["llava_onevision", "smolvlm"]
"""SigLIP has no class token, whose weight the mean area would move."""
TINY = TinyProcessor()


def tower_of(kind):
    return getattr(model_of(kind).base_model, TAKEN[kind])


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float64)


MIXED = boxes((0, 0, 4, 4), (0, 4, 2, 6), (0, 6, 1, 7), (1, 6, 2, 8))


def features(model, inputs, method, budget, **options):
    with torch.no_grad():
        small, _ = plan_inputs(model, inputs, method, budget, processor=TINY, **options)
    pooled = small["mm_encoder_outputs"]["image"].pooler_output
    return torch.cat([rows.reshape(-1, rows.shape[-1]) for rows in pooled])


@pytest.mark.parametrize("backend", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", TAKEN)
def test_every_layer_is_attention_with_the_bias_on_its_keys(kind, backend):
    tower = copy.deepcopy(tower_of(kind))
    tower.set_attn_implementation(backend)
    trunk, seen = trunk_of(tower), []
    attentions = [module for module in tower.modules() if hasattr(module, "k_proj")]
    for module in attentions:
        module.register_forward_hook(
            lambda module, args, kwargs, out: seen.append(
                (module, args[0] if args else kwargs["hidden_states"], out[0])
            ),
            with_kwargs=True,
        )
    cells = [Cells(noise(4, 3, 16, 16, seed=n), MIXED, (8, 8), bias=n * area_bias(MIXED, 0.7)) for n in (1, 2)]
    with torch.no_grad():
        encode_cells(trunk, cells)
        assert len(seen) == len(trunk.layers) == len(attentions)
        for module, x, out in seen:
            for number, image in enumerate(x):
                areas = (MIXED[:, 2:] - MIXED[:, :2]).prod(1)
                bias = (number + 1) * 0.7 * (areas / areas.mean()).log().repeat_interleave(4)
                if trunk.first is not None:
                    bias = torch.cat([torch.zeros(1), bias])
                near(out[number], dense(module, image, bias.float()), "transform")


def dense(module, x, bias):
    """Attention of one image (n, d), head by head."""
    q, k, v = (getattr(module, name)(x) for name in ("q_proj", "k_proj", "v_proj"))
    q, k = (getattr(module, name, torch.nn.Identity())(part) for name, part in (("q_norm", q), ("k_norm", k)))
    wide = q.shape[-1] // module.num_heads
    heads = []
    for start in range(0, q.shape[-1], wide):
        mine = slice(start, start + wide)
        shares = (q[:, mine] @ k[:, mine].T * wide**-0.5 + bias).exp()
        heads.append(shares / shares.sum(1, keepdim=True) @ v[:, mine])
    last = module.out_proj if hasattr(module, "out_proj") else module.projection_layer
    return last(torch.cat(heads, 1))


@pytest.mark.parametrize("kind", UNCLASSED)
def test_a_coarse_token_counts_as_four_equal_fine_ones(kind):
    trunk = trunk_of(tower_of(kind))
    patches, one = noise(3, 3, 8, 8), boxes((0, 0, 2, 2), (0, 4, 1, 5), (3, 1, 4, 2))
    centre = boxes((0.5, 0.5, 1.5, 1.5)).repeat(4, 1)  # where the coarse box has its centre
    four = torch.cat([centre, one[1:]])
    again = torch.cat([patches[:1].repeat(4, 1, 1, 1), patches[1:]])
    with torch.no_grad():
        coarse, plain = (
            encode_cells(trunk, [Cells(patches, one, (8, 8), bias=area_bias(one, sized))])[0] for sized in (1.0, 0.0)
        )
        fine = encode_cells(trunk, [Cells(again, four, (8, 8), bias=area_bias(four, 1.0))])[0]
    assert area_bias(four, 1.0) is None
    near(coarse, fine[3:], "transform")
    assert float((plain - fine[3:]).abs().max()) > 1e-4


@pytest.mark.parametrize("kind", TAKEN)
def test_equal_boxes_are_stock_bit_for_bit_and_others_are_not(kind):
    model = model_of(kind)
    inputs = prompts(model, (0,))
    full = plan_inputs(model, inputs, TwoLevels(), 16, processor=TINY, sized=1.0)[1][0]
    whole = [full.image_size[axis] // full.cell for axis in (0, 1)]
    for budget in (whole[0] * whole[1], whole[0] * whole[1] // 4):
        assert torch.equal(
            features(model, inputs, TwoLevels(), budget, sized=1.0),
            features(model, inputs, TwoLevels(), budget, sized=0),
        )
    method, budget = RateDistortion(aspect=1), whole[0] * whole[1] // 2 - 1
    half, none, left = (features(model, inputs, method, budget, **more) for more in ({"sized": 0.5}, {"sized": 0}, {}))
    assert torch.equal(half, left)
    assert float((half - none).abs().max()) > room(none.abs().max(), "model", none.dtype)


def test_images_of_one_count_keep_their_own_bias():
    trunk = trunk_of(tower_of("llava"))
    even = boxes((0, 0, 1, 1), (0, 1, 1, 2), (1, 0, 2, 1), (1, 1, 2, 2))
    cells = [
        Cells(noise(4, 3, 8, 8, seed=n), box, (8, 8), bias=area_bias(box, 1.0)) for n, box in enumerate((MIXED, even))
    ]
    with torch.no_grad():
        for mine, one in zip(encode_cells(trunk, cells), cells, strict=True):
            near(mine, encode_cells(trunk, [one])[0], "transform")


@pytest.mark.parametrize("kind", REFUSED)
def test_towers_that_take_no_bias_say_so(kind):
    model = model_of(kind)
    assert sized_of(model, None) == sized_of(model, 0) == 0
    with pytest.raises(NotImplementedError, match=f"sized must be 0 or None .* got 0.5 for {kind}"):
        plan_inputs(model, prompts(model, (0,)), TwoLevels(), 4, processor=TINY, sized=0.5)
    with pytest.raises(NotImplementedError, match="sized must be"), attach(model, budget=4, sized=1):
        pass


def test_attention_that_adds_no_mask_is_refused(monkeypatch):
    model = model_of("llava")
    assert sized_of(model, None) == 0.5
    monkeypatch.setattr(model.base_model.vision_tower.config, "_attn_implementation_internal", "flash_attention_2")
    assert sized_of(model, None) == 0
    with pytest.raises(NotImplementedError, match="with flash_attention_2 attention"):
        sized_of(model, 0.5)


@pytest.mark.parametrize("sized", [-0.1, 1.1, True, "half", float("nan")])
def test_other_shares_are_refused(sized):
    with pytest.raises(ValueError, match="sized must be a number from 0 to 1, or None, got"):
        PixelOptions(sized=sized)
