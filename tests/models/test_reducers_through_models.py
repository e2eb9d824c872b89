"""Every reducer through every family: exactly B tokens by `prepare` and `attach`, or a refusal that says why."""

import pytest
import torch
from torch.testing import assert_close

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.allocation.contracts.reducer import Reduction
from pyrascope.methods.reducers import REDUCERS
from pyrascope.models import attach, prepare, reduce_inputs
from pyrascope.models.families import family_of
from pyrascope.models.features.context import text_embeddings
from pyrascope.models.stock import tower as tower_layers
from pyrascope.models.stock.placeholders import placeholder_runs
from pyrascope.models.verify.small.tiny import BREAK, GLOBAL, IMAGE, RECIPES, START, TinyProcessor, prompts
from tiny_models import model_of
from tolerances import near

TILED = ("llava_next", "llava_onevision", "smolvlm")
REFUSED = {("resize", kind): "resize needs grid, which .* not one grid" for kind in (*TILED, "fast_vlm")}
REFUSED["hired", "smolvlm"] = "how the tiles of an image are arranged"
REFUSED |= {
    (name, "fast_vlm"): "needs attention, which fast_vlm does not give"
    for name in ("faster-vlm", "hired", "pru-merge", "pyramid-token-pruning", "vision-zip")
}
COUNTS = {
    "fast_vlm": [16, 16, 16],
    "gemma3": [16, 16, 16],
    "internvl": [16, 16, 16],
    "llava": [64, 64, 64],
    "llava_next": [200, 190, 208],
    "llava_onevision": [200, 190, 208],
    "mistral3": [16, 8, 8],
    "paligemma": [64, 64, 64],
    "qwen2_vl": [24, 6, 8],
    "qwen2_5_vl": [24, 6, 8],
    "qwen3_vl": [24, 6, 8],
    "smolvlm": [48, 16, 32],
}


class Made(TinyProcessor):
    """A processor whose images and text are those of `prompts`."""

    def __init__(self, model):
        self.model = model

    def __call__(self, images, text, **options):
        return prompts(self.model)


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("name", REDUCERS)
def test_every_reducer_on_every_family(name, kind):
    model, method = model_of(kind), REDUCERS[name]()
    budget = [count // 3 for count in COUNTS[kind]]
    given = {"method": method, "budget": budget}
    if (name, kind) in REFUSED:
        with pytest.raises(NotImplementedError, match=f"(?i){REFUSED[name, kind]}"):
            prepare(model, Made(model), [0], ["a", "b"], **given)
        with attach(model, method, budget, processor=Made(model)), pytest.raises(NotImplementedError):
            model(**prompts(model))
        return
    small, found = prepare(model, Made(model), [0], ["a", "b"], **given)
    assert (small["input_ids"] == IMAGE).sum(1).tolist() == [budget[0], sum(budget[1:])]
    assert [one.features.shape for one in found] == [(tokens, 64) for tokens in budget]
    logits = model(**small).logits
    assert bool(logits.isfinite().all())
    with attach(model, method, budget, processor=Made(model)):
        assert torch.equal(model(**prompts(model)).logits, logits)


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl"])
@pytest.mark.parametrize("name", ["tome", "pool", "resize", "vision-zip"])
def test_merging_at_the_full_budget_is_stock(name, kind):
    model = model_of(kind)
    inputs = prompts(model)
    small, _ = reduce_inputs(model, inputs, REDUCERS[name](), COUNTS[kind])
    near(model(**small).logits[:, -1], model(**inputs).logits[:, -1], "transform")


def test_merged_tokens_stand_at_the_cell_of_their_centre():
    model = model_of("llava")
    inputs = prompts(model, [0])
    start = int((inputs["input_ids"][0] == IMAGE).nonzero()[0])
    small, (found,) = reduce_inputs(model, inputs, ps.reducers.ToMe(), 9)
    mine = small["input_ids"][0] == IMAGE
    y, x = found.positions.T
    cells = (y.floor() * 8 + x.floor()).long()
    assert small["position_ids"][0, mine].tolist() == sorted((start + cells).tolist())
    assert found.kept.tolist() != sorted(cells.tolist())  # merging has moved some


def test_merged_tokens_follow_one_another_by_their_centre():
    class Crossing:
        site = "features"
        needs = frozenset()

        def __call__(self, features, budget, context):
            centres = torch.tensor([[2.5, 4.5], [0.5, 5.5], [0.9, 5.2]], dtype=torch.float64)
            return Reduction(torch.tensor([3, 10, 60]), features[[3, 10, 60]], torch.ones(3).double(), centres)

    model = model_of("llava")
    inputs = prompts(model, [0])
    small, (found,) = reduce_inputs(model, inputs, Crossing(), 3)
    start = int((inputs["input_ids"][0] == IMAGE).nonzero()[0])
    here = small["input_ids"][0] == IMAGE
    assert small["position_ids"][0, here].tolist() == [start + 5, start + 5, start + 20]
    rows = small["mm_encoder_outputs"]["image"].pooler_output[0]
    assert torch.equal(rows, found.features[[1, 2, 0]])
    compact, _ = reduce_inputs(model, inputs, Crossing(), 3, positions="compact")
    assert compact["position_ids"][0, here].tolist() == [start, start, start + 1]


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_merged_tokens_stand_at_their_centre_under_m_rope(kind):
    model = model_of(kind)
    inputs = prompts(model, [0])  # 4 x 6 tokens
    names = ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")
    stock = model.model.get_rope_index(**{name: inputs[name] for name in names})[0][:, 0].float()
    here = inputs["input_ids"][0] == IMAGE
    origin = stock[:, here][:, 0]
    small, (found,) = reduce_inputs(model, inputs, ps.reducers.Pool(), 5)
    mine = small["input_ids"][0] == IMAGE
    moved = torch.cat([torch.zeros(5, 1), found.positions.float() - 0.5], 1).T + origin[:, None]
    order = sorted(range(5), key=lambda i: (int(found.positions[i, 0]), int(found.positions[i, 1])))
    assert_close(small["position_ids"][1:, 0, mine], moved[:, order], atol=0, rtol=0)
    assert bool((moved != moved.round()).any())
    text = small["position_ids"][1:, 0, ~mine]
    assert_close(text, stock[:, ~here], atol=0, rtol=0)
    chosen, _ = reduce_inputs(model, inputs, ps.reducers.DivPrune(), 5)
    assert chosen["position_ids"].dtype == torch.long


def test_hired_marks_the_tile_that_shows_a_place():
    """One bright square in a picture: where the whole view has it, and in which tile it is, by the real processor."""
    from transformers import LlavaNextImageProcessor

    model = model_of("llava_next")
    side = {"height": 64, "width": 64}
    processor = LlavaNextImageProcessor(
        size={"shortest_edge": 64}, crop_size=side, image_grid_pinpoints=model.config.image_grid_pinpoints
    )
    seen = set()
    for high, wide in ((100, 60), (90, 128), (128, 128), (64, 100)):
        for top in range(4, high - 12, 21):
            for left in range(4, wide - 12, 17):
                picture = torch.zeros(3, high, wide, dtype=torch.uint8)
                picture[:, top : top + 8, left : left + 8] = 255
                made = processor(images=[picture], return_tensors="pt")
                views = made["pixel_values"][0].mean(1).reshape(-1, 8, 8, 8, 8).mean((2, 4)).flatten(1)
                layout = tiles_of(model, made)
                brightest = views[1:].amax(1).topk(2).values
                if brightest[0] < 2 * brightest[1].clamp(min=views.min() + 0.5):
                    continue  # it lies across the edge of two tiles
                tile = int(views[1:].amax(1).argmax())
                assert int(layout.shown_by()[views[0].argmax()]) == tile, (high, wide, top, left)
                seen.add((high, wide, tile))
    assert len(seen) >= 8


def tiles_of(model, made):
    count = len(model.base_model.get_image_features(**made, return_dict=True).pooler_output[0])
    run = placeholder_runs(torch.tensor([[START, *[IMAGE] * count]]), IMAGE)
    (layout,) = family_of("llava_next").arrangement.layouts(model, made, [run], None)
    assert len(layout.tiles.numbers()) == count
    return layout.tiles


def test_hired_keeps_in_each_view_what_its_attention_says():
    """By hand from the quotas: half for the whole view, the rest by marks, the best of each."""
    model = model_of("llava_next")
    inputs = prompts(model, [0])
    known = []
    watch = type("Watch", (), {"site": "features", "needs": frozenset({"attention", "first_attention", "tiles"})})()

    def spy(features, budget, context):
        known.append(context)
        return ps.reducers.HiRED()(features, budget, context)

    type(watch).__call__ = staticmethod(spy)
    _, (found,) = reduce_inputs(model, inputs, watch, 40)
    (context,) = known
    number = context.tiles.numbers()
    marked = context.first_attention[:64].topk(32).indices
    marks = torch.bincount(context.tiles.shown_by()[marked], minlength=2)
    counts = torch.bincount(number[found.kept], minlength=3)
    assert counts[0] == 20
    assert abs(float(counts[1] - 20 * marks[0] / 32)) <= 1
    for view in range(3):
        mine = (number == view).nonzero().flatten()
        best = mine[context.attention[mine].topk(int(counts[view])).indices]
        assert sorted(best.tolist()) == found.kept[number[found.kept] == view].tolist()
    breaks = context.attention == 0  # the line breaks of 8 rows that run through both tiles
    assert breaks.nonzero().flatten().tolist() == [64 + 17 * row + 16 for row in range(8)]
    assert number[64:81].tolist() == [1] * 8 + [2] * 9


def test_smolvlm_is_told_by_its_tokens_how_tiles_are_arranged():
    model = model_of("smolvlm")
    names = {80: "<row_1_col_1>", 81: "<row_1_col_2>", 82: "<row_2_col_1>", 83: "<row_2_col_2>"}

    class Named(TinyProcessor):
        def convert_ids_to_tokens(self, ids):
            return [names.get(i, "word") for i in ids]

    def groups(*before):
        ids = torch.tensor([[token for one in before for token in (one, *[IMAGE] * 16)]])
        runs = placeholder_runs(ids, IMAGE)
        found = family_of("smolvlm").arrangement.images(runs, [len(before) * 16], ids, Named())
        inputs = {"input_ids": ids, "pixel_values": torch.zeros(1, 5, 3, 64, 64)}
        return family_of("smolvlm").arrangement.layouts(model, inputs, found, Named())

    (one,) = groups(80, 81, 82, 83, GLOBAL)
    assert one.grid is None
    assert one.tiles.numbers().tolist() == [k for k in (1, 2, 3, 4, 0) for _ in range(16)]
    assert one.tiles.shown_by().reshape(4, 4).tolist() == [[0, 0, 1, 1]] * 2 + [[2, 2, 3, 3]] * 2
    for unclear in ((80, 81, 82, GLOBAL), (BREAK, BREAK, GLOBAL), (81, 80, GLOBAL)):
        assert isinstance(groups(*unclear)[0].tiles, torch.Tensor)
    both = groups(GLOBAL, 80, 82, GLOBAL)
    assert both[0].grid == (4, 4)
    assert both[1].tiles.shown_by().tolist() == [0] * 8 + [1] * 8


def test_faster_vlm_keeps_what_the_tower_looks_at():
    model = model_of("llava")
    inputs = prompts(model, [1])
    tower = model.model.vision_tower
    tower.config._attn_implementation = "eager"
    want = tower(inputs["pixel_values"], output_attentions=True).attentions[0][:, :, 0, 1:].sum(1)
    tower.config._attn_implementation = "sdpa"
    _, found = reduce_inputs(model, inputs, ps.reducers.FasterVLM(), 11)
    for one, attention in zip(found, want, strict=True):
        assert one.kept.tolist() == sorted(attention.topk(11).indices.tolist())


def test_the_text_is_that_of_the_image_s_own_prompt():
    model = model_of("llava")
    inputs = prompts(model)
    ids = inputs["input_ids"]
    for row in (0, 1):
        text = [token for token in ids[row].tolist() if token not in (IMAGE, 0, 1, 99)]
        want = model.get_input_embeddings().weight[text]
        assert torch.equal(text_embeddings(model, inputs, row), want)
    silent = {**inputs, "input_ids": ids.masked_fill(ids != IMAGE, 1)}
    with pytest.raises(NotImplementedError, match=r"CDPruner needs query, which llava .* no text"):
        reduce_inputs(model, silent, ps.reducers.CDPruner(), 4)
    reduce_inputs(model, silent, ps.reducers.PyramidTokenPruning(text=0), 4)


def test_a_tower_that_is_not_known_is_refused_only_where_it_is_needed(monkeypatch):
    model = model_of("llava")
    inputs = prompts(model)
    monkeypatch.setattr(tower_layers, "TOWERS", ("eye",))
    _, found = reduce_inputs(model, inputs, ps.reducers.DART(), 4)
    assert found[0].positions is None
    with pytest.raises(NotImplementedError, match=r"FasterVLM needs attention, which llava .* must be one of eye"):
        reduce_inputs(model, inputs, ps.reducers.FasterVLM(), 4)
