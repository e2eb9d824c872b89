"""What is known of a model's tokens, against the model itself: its eager attention, and what depends on what."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("transformers")

import transformers

import pyrascope as ps
from pyrascope.models.families import family_of
from pyrascope.models.features.context import contexts, hearing
from pyrascope.models.host import Host
from pyrascope.models.stock.encode import encode, tower_arguments
from pyrascope.models.stock.inputs import with_mask
from pyrascope.models.stock.placeholders import placeholder_runs
from pyrascope.models.stock.tower import attention_modules, has_cls, selected_layer, vision_module_of
from pyrascope.models.verify.small.tiny import IMAGE, RECIPES, TinyProcessor, prompts
from tiny_models import model_of
from tolerances import near

TINY = TinyProcessor()
ALL = SimpleNamespace(needs=frozenset({"attention", "first_attention", "keys", "query"}))


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def groups_of(model, inputs):
    encoded = encode(model, inputs)
    runs = placeholder_runs(inputs["input_ids"], IMAGE)
    return family_of(model.config.model_type).arrangement.images(runs, encoded.items, inputs["input_ids"], TINY)


def known_of(model, inputs, method=ALL, processor=TINY):
    inputs = with_mask(inputs)
    with hearing(model, inputs, method) as heard:
        encode(model, inputs)
    return contexts(Host(model, processor), inputs, groups_of(model, inputs), method, heard)


def eager(model, inputs):
    """Attention (views, heads, t, t) of each of the tower's layers, as transformers returns it."""
    tower = vision_module_of(model)
    before, tower.config._attn_implementation = tower.config._attn_implementation, "eager"
    try:
        given = {name: inputs[name] for name in tower_arguments(model) if name in inputs}
        return model.base_model.get_image_features(**given, return_dict=True, output_attentions=True).attentions
    finally:
        tower.config._attn_implementation = before


def summed(values, side, merge):
    """Sums over merge x merge blocks, by hand, of values (views, side * side)."""
    grid = values.reshape(-1, side // merge, merge, side // merge, merge)
    return grid.sum((2, 4)).flatten(1)


@pytest.mark.parametrize(
    ("kind", "merge"), [("llava", 1), ("paligemma", 1), ("gemma3", 2), ("smolvlm", 2), ("internvl", 2)]
)
def test_attention_is_eager_attention(kind, merge):
    model = model_of(kind)
    inputs = prompts(model)
    attentions = eager(model, inputs)
    tower = vision_module_of(model)
    known = known_of(model, inputs)
    for name, layer in (("attention", selected_layer(model, inputs, len(attentions))), ("first_attention", 0)):
        weights = attentions[layer].sum(1)
        received = weights[:, 0, 1:] if has_cls(tower) else weights.mean(1)
        want = summed(received, 8, merge).flatten()
        near(torch.cat([getattr(one, name) for one in known]), want)
    assert len(torch.unique(want)) > len(want) // 2


@pytest.mark.parametrize("kind", ["llava_next", "llava_onevision"])
def test_attention_of_tiles_is_eager_attention(kind):
    """Views stand in the tower's batch; a token of the tiles is found by the place of its cell on the canvas."""
    model = model_of(kind)
    inputs = prompts(model)
    attentions = eager(model, inputs)
    layer = selected_layer(model, inputs, len(attentions))
    weights = attentions[layer].sum(1)
    received = weights[:, 0, 1:] if has_cls(vision_module_of(model)) else weights.mean(1)
    for i, one in enumerate(known_of(model, inputs)):
        views = received[3 * i : 3 * i + 3].reshape(3, 8, 8)
        near(one.attention[:64], views[0].flatten())
        shown = torch.cat(list(views[1:]), 1 if i == 0 else 0)
        if i == 1:  # 100 x 60 on 128 x 64 shows in 13.3 of 16 rows of cells; transformers cuts one off at each end
            shown = shown[1:15]
        want = torch.cat([shown, shown.new_zeros(len(shown), 1)], 1).flatten()
        near(one.attention[64:], want)


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_attention_of_qwen_is_that_of_its_queries_and_keys(kind):
    """By hand: q and k of each layer from its own projection and rotation, softmax over the windows' tokens."""
    model = model_of(kind)
    inputs = prompts(model)
    tower, seen = vision_module_of(model), {}

    def note(module, args, kwargs):
        seen[module] = (args[0] if args else kwargs["hidden_states"], kwargs)

    modules = attention_modules(tower)
    hooks = [module.register_forward_pre_hook(note, with_kwargs=True) for module in modules]
    known = known_of(model, inputs)
    for hook in hooks:
        hook.remove()
    grids = inputs["image_grid_thw"].tolist()
    for name, module in (("first_attention", modules[0]), ("attention", modules[-1])):
        hidden, more = seen[module]
        q, k, _ = module.qkv(hidden).reshape(len(hidden), 3, 2, 16).unbind(1)
        cos, sin = (part[:, None] for part in more["position_embeddings"])
        q, k = (x * cos + torch.cat([-x[..., 8:], x[..., :8]], -1) * sin for x in (q, k))
        edges = more["cu_seqlens"].tolist()
        block = torch.cat([torch.full((b - a,), i) for i, (a, b) in enumerate(pairwise(edges))])
        logits = torch.einsum("qhd,khd->hqk", q, k) / 4
        weights = logits.masked_fill(block[:, None] != block, -torch.inf).softmax(-1).sum((0, 1))
        cells = weights.reshape(-1, 4).sum(1)
        keys = k.mean(1).reshape(-1, 4, 16).mean(1)
        order = windows(model, inputs)
        at = 0
        for one, (_, rows, columns) in zip(known, grids, strict=True):
            count = rows * columns // 4
            mine = order[at : at + count]
            assert one.grid == (rows // 2, columns // 2)
            near(getattr(one, name), cells[mine] / (rows * columns))
            near(getattr(one, name).sum(), 2.0)  # heads
            if name == "attention":
                near(one.keys, keys[mine])
            at += count


def windows(model, inputs):
    """The tower's place of each visual token, as transformers has it."""
    config = model.config.vision_config
    if not hasattr(config, "window_size"):
        return torch.arange(1000)
    from transformers.vision_utils import get_vision_window_index

    return get_vision_window_index(inputs["image_grid_thw"], 2, config.window_size, 8)[0].argsort()


def test_attention_of_images_of_any_size():
    model = model_of("mistral3")
    inputs = prompts(model)
    weights = eager(model, inputs)[-1].sum(1)[0]
    start = 0
    for one, (high, wide) in zip(known_of(model, inputs), (inputs["image_sizes"] // 8).tolist(), strict=True):
        mine = weights[start : start + high * wide, start : start + high * wide].mean(0)
        want = mine.reshape(high // 2, 2, wide // 2, 2).sum((1, 3)).flatten()
        assert one.grid == (high // 2, wide // 2)
        near(one.attention, want)
        start += high * wide


ATTENDING = [kind for kind in RECIPES if kind != "fast_vlm"]  # its tower is made of convolutions


@pytest.mark.parametrize(
    ("kind", "limit"), [*((kind, None) for kind in ATTENDING), ("llava_onevision", "anyres_max_1")]
)
def test_a_token_comes_from_what_it_depends_on(kind, limit):
    """The derivative of each visual token by each of the tower's tokens is not 0 exactly where the layout says so."""
    model = model_of(kind)
    inputs = {**with_mask(prompts(model)), **({"vision_aspect_ratio": limit} if limit else {})}
    tower = vision_module_of(model)
    modules = attention_modules(tower)
    layer = selected_layer(model, inputs, len(modules))
    stack = next(part for part in tower.modules() if isinstance(part, torch.nn.ModuleList) and len(part) == 2)
    seen = []

    def note(module, args, output):
        seen.append((output[0] if isinstance(output, tuple) else output).detach().requires_grad_())
        return (seen[0], *output[1:]) if isinstance(output, tuple) else seen[0]

    hook = stack[layer].register_forward_hook(note, prepend=True)
    with torch.enable_grad():
        rows = encode(model, inputs).rows
        hook.remove()
        some = torch.arange(0, len(rows), 3 if len(rows) > 100 else 1)
        slopes = torch.autograd.grad(rows.sum(1)[some], seen[0], torch.eye(len(some)), is_grads_batched=True)[0]
    depends = slopes.flatten(1, -2).abs().sum(-1) > 0
    if limit:  # its groups no longer match the tiny prompts
        counts = [rows.numel() // rows.shape[-1] for rows in pooled(model, inputs)]
        groups = [[SimpleNamespace(columns=range(count), row=0)] for count in counts]
    else:
        groups = groups_of(model, inputs)
    layouts = family_of(kind).arrangement.layouts(model, inputs, groups, TINY)
    values = torch.eye(depends.shape[1], dtype=torch.float64)
    shares = torch.cat([layout.mean(values) for layout in layouts])
    assert torch.equal(shares[some] > 0, depends)
    patches = torch.cat([layout.patches for layout in layouts]).double()
    near(shares.sum(1), (patches > 0).double())
    assert torch.equal(patches[some] == 0, ~depends.any(1))


def pooled(model, inputs):
    given = {name: inputs[name] for name in tower_arguments(model) if inputs.get(name) is not None}
    return model.base_model.get_image_features(**given, return_dict=True).pooler_output


@pytest.mark.filterwarnings("ignore:plans are made on the pixel_values")
@torch.no_grad()
def test_llava_that_keeps_cls_says_so():
    """Not that the prompt is wrong: it is what the model's own processor makes."""
    config = RECIPES["llava"].config() | {"vision_feature_select_strategy": "full"}
    model = transformers.LlavaForConditionalGeneration(transformers.LlavaConfig(**config)).eval()
    inputs = prompts(model, [0])
    with ps.attach(model, ps.reducers.DivPrune(), 5):
        assert model(**inputs).logits.shape[1] == inputs["input_ids"].shape[1] - 65 + 5
    for method, match in ((ps.methods.TwoLevels(), "plans need visual tokens that are patches"),
                          (ps.reducers.VisionZip(), r"the token \[CLS\] is a visual token too")):  # fmt: skip
        with ps.attach(model, method, 5), pytest.raises(NotImplementedError, match=match):
            model(**inputs)
