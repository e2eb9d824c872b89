"""Training: its targets and layouts are right, it lowers the loss, and a stop changes nothing."""

import json

import numpy as np
import pytest
import torch

from pyrascope.builtin.architecture import fresh
from pyrascope.builtin.forward import features_of
from pyrascope.builtin.heads import CLASSES, COLUMNS, Heads
from pyrascope.builtin.train.crops import crops, grid_boxes, patches, scaled
from pyrascope.builtin.train.layouts import halves, nearest, overlay, pixels, priority, scattered, tree, uniform
from pyrascope.builtin.train.loop import Batches, train
from pyrascope.builtin.train.pages import page
from pyrascope.builtin.train.quizzes import BatchKind, _uniform, layouts, mentions, quiz, read_from
from pyrascope.builtin.train.recipe import recipe
from pyrascope.builtin.train.stage import Stage, answer_loss, masked_batch, read_loss
from pyrascope.builtin.train.targets import IGNORED, targets
from pyrascope.learning.losses.laplacian import laplacian_loss
from pyrascope.learning.training import checkpoint
from pyrascope.learning.training.muon import Muon, orthogonal
from pyrascope.world.drawing import Print, Style, Thing, drawing
from pyrascope.world.questions import Question
from pyrascope.world.scenes import asked
from pyrascope.world.vocabulary import IDS, SHAPES, WORDS
from tolerances import near

pytest.importorskip("transformers")
TINY = {"width": 32, "encoder": 1, "decoder": 2}


@pytest.fixture(autouse=True)
def _float32(monkeypatch):
    """No timing of products, which takes seconds and decides by how busy the machine is."""
    monkeypatch.setattr("pyrascope.builtin.train.loop.bf16_is_faster", lambda: False)


def small(random, step):
    return quiz(random, BatchKind("small", 256, 4, 4, _uniform((4,), step)), 2)


def stage(steps, name="tiny"):
    return Stage(name, steps, small, answer_loss, {"tower": 0.02, "decoder": 0.02, "rest": 3e-3}, warm=5)


def test_fifty_steps_lower_the_loss_on_a_fresh_tiny_model(tmp_path):
    model = fresh(0, **TINY)
    train(tmp_path, model, [stage(50)], workers=0)
    (line,) = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    held, before = Batches(stage(2, "held"), 5, 0), fresh(0, **TINY)
    heads = Heads(TINY["width"])
    checkpoint.load(tmp_path, {"model": model, "heads": heads})
    with torch.no_grad():
        after = [answer_loss(model, heads, held[i])[1]["small: answer"] for i in range(2)]
        start = [answer_loss(before, Heads(TINY["width"]), held[i])[1]["small: answer"] for i in range(2)]
    assert np.mean(after) < 0.8 * np.mean(start)
    assert line["step"] == 50


def test_reconstruction_lowers_the_laplacian_loss_of_hidden_pictures(tmp_path):
    torch.manual_seed(0)
    model = fresh(0, **TINY)
    short = Stage("read", 25, masked_batch, read_loss, {"tower": 0.02, "decoder": 0.02, "rest": 3e-3}, warm=5)
    heads = train(tmp_path, model, [short], workers=0, reconstruct=True)
    batch = masked_batch(np.random.default_rng(5), 0)
    assert 0.2 < float(batch["hidden"].float().mean()) < 0.4
    assert bool((batch["wanted"][batch["hidden"]] == IGNORED).all())
    begun = (fresh(0, **TINY), Heads(TINY["width"], pixels=True))
    with torch.no_grad():
        after, before = (read_loss(*parts, batch)[1]["reconstruction"] for parts in ((model, heads), begun))
        hidden = batch["patches"].masked_fill(batch["hidden"][..., None], 0)
        features = features_of(model, hidden, batch["centers"])
        given = pictures(heads.pixels(heads.norm(features)))
    assert after < 0.8 * before
    wanted = laplacian_loss(given, pictures(batch["patches"]), 3, (1, 0.5, 0.25))
    near(after, float(wanted), "model", dtype=torch.float32)
    with pytest.raises(ValueError, match="pixels=True"):
        read_loss(model, Heads(TINY["width"]), batch)


def pictures(patches):
    """Crops as pictures, put together token by token."""
    found = torch.zeros(len(patches), 3, 96, 96)
    for i in range(36):
        y, x = 16 * (i // 6), 16 * (i % 6)
        found[:, :, y : y + 16, x : x + 16] = patches[:, i].reshape(-1, 3, 16, 16)
    return found


def test_a_stop_changes_nothing(tmp_path):
    plans = {"whole": [6], "parts": [3, 6]}
    found = {}
    for name, ends in plans.items():
        for i, end in enumerate(ends):
            model = fresh(0, **TINY)
            torch.manual_seed(0)
            whole = stage(6)
            part = Stage(whole.name, end, whole.batch, whole.loss, whole.rates, warm=5, decay=1e-9)
            train(tmp_path / name, model, [part], resume=i > 0, workers=0)
        found[name] = model.state_dict()
    for name, value in found["whole"].items():
        torch.testing.assert_close(found["parts"][name], value, atol=0, rtol=0)


def test_a_second_start_does_not_overwrite_a_checkpoint(tmp_path):
    train(tmp_path, fresh(0, **TINY), [stage(1)], workers=0)
    with pytest.raises(FileExistsError, match="resume"):
        train(tmp_path, fresh(0, **TINY), [stage(1)], workers=0)
    with pytest.raises(FileNotFoundError, match="found none"):
        train(tmp_path / "new", fresh(0, **TINY), [stage(1)], resume=True, workers=0)


def test_a_batch_depends_on_its_number_alone():
    early, late = Batches(stage(9), 1, 0), Batches(stage(9), 1, 4)
    torch.testing.assert_close(early[6]["patches"], late[2]["patches"], atol=0, rtol=0)
    assert len(late) == 5


def test_muon_steps_are_orthogonal():
    for shape in ((8, 24), (24, 8), (16, 16)):
        made = torch.linalg.svdvals(orthogonal(torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))))
        assert made.min() > 0.3
        assert made.max() < 1.4
    weight = torch.nn.Parameter(torch.zeros(16, 8))
    weight.grad = torch.randn(16, 8, generator=torch.Generator().manual_seed(1))
    other = torch.nn.Parameter(torch.zeros(16, 8))
    other.grad = torch.randn(16, 8, generator=torch.Generator().manual_seed(2))
    Muon([weight, other], lr=0.1, decay=0).step()
    assert torch.nn.functional.cosine_similarity(weight.flatten(), other.flatten(), 0).abs() < 0.5
    u, _, v = torch.linalg.svd(weight.grad, full_matrices=False)
    assert torch.nn.functional.cosine_similarity(-weight.detach().flatten(), (u @ v).flatten(), 0) > 0.95


@pytest.mark.parametrize("tokens", [16, 19, 40, 256])
def test_a_tree_covers_each_pixel_once(tokens):
    random = np.random.default_rng(0)
    for evidence in ((), ((20, 30, 40, 60),)):
        boxes = tree(256, tokens, priority(random, 256, evidence)).astype(int)
        assert len(boxes) == tokens
        covered = np.zeros((256, 256), int)
        for y0, x0, y1, x1 in boxes:
            covered[y0:y1, x0:x1] += 1
        assert (covered == 1).all()


def test_a_tree_is_finest_at_the_evidence_first():
    boxes = tree(256, 16 + 3 * 5, priority(np.random.default_rng(0), 256, ((64, 64, 96, 96),)))
    inside = (boxes[:, 0] >= 64) & (boxes[:, 1] >= 64) & (boxes[:, 2] <= 96) & (boxes[:, 3] <= 96)
    assert inside.sum() == 4
    assert (boxes[inside, 2] - boxes[inside, 0] == 16).all()


def test_halves_cover_each_pixel_once_and_are_at_most_twice_as_long_as_wide():
    random = np.random.default_rng(0)
    for tokens in (16, 17, 40, 256):
        boxes = halves(random, 256, tokens, priority(random, 256, ((20, 30, 40, 60),))).astype(int)
        covered = np.zeros((256, 256), int)
        for y0, x0, y1, x1 in boxes:
            covered[y0:y1, x0:x1] += 1
            assert max(y1 - y0, x1 - x0) <= 2 * min(y1 - y0, x1 - x0)
        assert (covered == 1).all()
        assert len(boxes) == tokens


def test_scattered_cells_hold_all_that_is_there():
    boxes = scattered(np.random.default_rng(0), 512, 256, ((100, 200, 180, 280), (300, 20, 350, 90)))
    cells = {tuple(box) for box in boxes.astype(int)}
    assert len(cells) == 256
    assert {(y, x, y + 16, x + 16) for y in range(96, 180, 16) for x in range(192, 280, 16)} <= cells


def test_an_overlay_has_the_evidence_and_as_many_cells_as_asked():
    for seed in range(6):
        boxes = overlay(np.random.default_rng(seed), 512, 32, ((100, 200, 120, 240),))
        assert len(boxes) == 96
        assert len(np.unique(boxes, axis=0)) == 96
        fine = {tuple(box) for box in boxes[64:].astype(int)}
        shown = {(y, x, y + 16, x + 16) for y in (96, 112) for x in range(192, 240, 16)}
        assert shown <= fine or len(shown & fine) >= 3  # all of it, or what is nearest to about its middle
    fine = uniform(512, 32)
    assert fine[nearest(fine, (108, 220), 1)].tolist() == [[96, 208, 112, 224]]


def test_pixels_of_levels_and_of_the_full_grid():
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    full = pixels(None, image, uniform(256, 16))
    np.testing.assert_array_equal(full, patches(scaled(image)))
    flat = np.broadcast_to(np.uint8([10, 200, 90]), (256, 256, 3))
    mixed = pixels(None, np.ascontiguousarray(flat), tree(256, 40, np.ones((16, 16)))).reshape(40, 3, 256)
    np.testing.assert_allclose(mixed, np.broadcast_to(scaled(flat[0, 0])[None, :, None], mixed.shape), atol=0.02)
    boxes = overlay(np.random.default_rng(0), 256, 5, ())
    rows = (boxes[16:, 0] / 16 * 16 + boxes[16:, 1] / 16).astype(int)
    np.testing.assert_array_equal(pixels(None, image, boxes)[16:], full[rows])


def test_targets_of_one_thing():
    number = Print("47", (32, 32, 48, 64), (32, 48, 64))
    thing = Thing(2, 1, (0, 0, 96, 96), (number,))
    found = targets(grid_boxes(8, 8, 16), [thing]).reshape(8, 8, -1)
    assert found[3, 3].tolist()[:2] == [2, 1]
    assert found[7, 7].tolist() == list(CLASSES)
    assert found[2, 2, 2:5].tolist() == [4, 7, 4]
    assert found[2, 3, 2:5].tolist() == [4, 7, 7]
    assert (found[..., COLUMNS["center"]] == 0).sum() == 1
    assert found[3, 3, COLUMNS["center"]] == 0
    assert found[3, 3, COLUMNS["size"]] == 4  # 96 * 96 pixels are 2.2 octaves above 2000
    coarse = targets(grid_boxes(2, 2, 64), [thing])
    assert (coarse[:, 2:4] == 10).all()
    assert (coarse[:, COLUMNS["character"]] == CLASSES[COLUMNS["character"]]).all()
    word = Thing(0, 6, (0, 0, 60, 96), (Print("EXIT", (16, 16, 32, 80), (16, 32, 48, 64, 80)),))
    found = targets(grid_boxes(8, 8, 16), [word]).reshape(8, 8, -1)
    assert found[1, 1:5, COLUMNS["character"]].tolist() == [10, 11, 12, 13]
    assert (found[1, 1:5, COLUMNS["word"]] == 0).all()


def test_pages_and_crops_say_what_they_show():
    random = np.random.default_rng(0)
    image, found = page(random, Style(96, 1, points=(23,)), 16)
    assert image.shape == (96, 96, 3)
    shown = found[:, COLUMNS["character"]]
    assert ((shown >= 0) & (shown < CLASSES[COLUMNS["character"]])).sum() > 8
    shown, centers, wanted = crops(random, 4, large=False)
    assert (shown.shape, centers.shape, wanted.shape) == ((4, 36, 768), (4, 36, 2), (4, 36, len(CLASSES)))
    assert bool(((centers > 0) & (centers < 1)).all())


@pytest.mark.parametrize("name", layouts(0))
def test_quizzes_teach_the_answer_after_the_question(name):
    layout = layouts(3)[name]
    batch = quiz(np.random.default_rng(0), BatchKind(layout.name, layout.side, 2, 4, layout.boxes), 3)
    for text, labels, last in zip(
        batch["text"].flatten(0, 1), batch["labels"].flatten(0, 1), batch["last"].flatten(), strict=True
    ):
        assert WORDS[text[last]] == "?"
        taught = labels[labels >= 0].tolist()
        assert taught[-1] == IDS["<eos>"]
        assert taught[:-1] == text[last + 1 : last + len(taught)].tolist()
        assert (labels[:last] < 0).all()
    for text, places, meant in zip(*(batch[name].flatten(0, 1) for name in ("text", "named", "meant")), strict=True):
        for place, share in zip(places, meant, strict=True):
            if share.sum() > 0:
                assert WORDS[text[place]] in (*SHAPES, "object")
                near(share.sum(), 1.0)
    total = batch["look"].sum(-1)
    near(total, (total > 0).to(total.dtype))
    assert batch["patches"].shape[1] == batch["centers"].shape[1] == batch["wanted"].shape[1]


def test_names_are_where_their_things_are_and_others_nowhere():
    things = [Thing(0, 0, (0, 0, 64, 64)), Thing(1, 1, (128, 128, 192, 192))]
    words = ("is", "the", "red", "circle", "left", "of", "the", "green", "square", "?")
    side = Question(words, ("yes",), "side", (things[0].box, things[1].box))
    absent = Question(("is", "there", "a", "blue", "star", "?"), ("no",), "presence", ())
    color = Question(("what", "color", "is", "the", "square", "?"), ("green",), "color", (things[1].box,))
    places, shown, spots = mentions(uniform(256, 4), [side, absent, color], things, (64, 128))
    assert places[:, 0].tolist() == [3, 4, 4]
    assert places[0, 1] == 8
    assert shown[0].argmax(-1).tolist() == [0, 10]
    assert shown[1, 0].argmax() == 16
    assert shown[2, 0].argmax() == 10
    assert shown.sum(-1).tolist() == [[1, 1], [1, 0], [1, 0]]
    assert spots[0].tolist() == [[3, 5, 2], [7, 9, 2]]  # (32, 32) + (64, 128) and (160, 160) + (64, 128), in 32 px
    assert (spots[1] == IGNORED).all()


def test_digits_are_read_from_their_halves_words_and_colors_whole_and_counts_from_all_middles():
    text = ((16, 64, 32, 128),)  # in cells of 32 px: columns 2 and 3 of row 0
    things = [Thing(0, 0, (0, 0, 16, 16)), Thing(1, 1, (128, 128, 192, 192))]
    asked = [
        Question(("?",), ("4", "2"), "number", text),
        Question(("?",), ("exit",), "word", text),
        Question(("?",), ("2",), "count", tuple(thing.box for thing in things)),
        Question(("?",), ("yes",), "side", text),
        Question(("?",), ("red",), "color", text),
    ]
    counted = [0, 36, 37, 44, 45, 64]
    found = read_from(uniform(256, 8), asked, things)
    first, second = ([np.flatnonzero(row).tolist() for row in part] for part in (found[:, 0], found[:, 1]))
    assert first == [[2], [2, 3], counted, [], [2, 3]]
    assert second == [[3], [], [], [], []]
    near(found.sum(-1), np.array([[1, 1], [1, 0], [1, 0], [0, 0], [1, 0]]))
    near(found[2, 0, counted], [1 / 6, *[1 / 24] * 4, 4 / 6])
    assert not read_from(uniform(256, 8)[1:], asked, things)[2].any()  # the first thing's middle is not shown


def test_tokens_know_in_which_quarter_of_their_object_they_lie():
    thing = Thing(0, 0, (32, 32, 112, 112))
    corner = targets(uniform(256, 16), [thing])[:, COLUMNS["corner"]].reshape(16, 16)
    none = CLASSES[COLUMNS["corner"]]
    assert corner[2:4, 2:4].tolist() == [[0, 0]] * 2  # the middle, 72, lies inside the cells of row 4 and column 4
    assert corner[2:4, 5:7].tolist() == [[1, 1]] * 2
    assert corner[5:7, 2:4].tolist() == [[2, 2]] * 2
    assert corner[5:7, 5:7].tolist() == [[3, 3]] * 2
    assert set(corner[4, 2:7]) == {IGNORED}
    assert (corner[7:] == none).all()


def test_stages_of_the_plain_variant_hold_uniform_grids_alone():
    random = np.random.default_rng(0)
    stages = recipe(plain=True)
    assert stages[0] == recipe()[0]
    for one in stages[1:]:
        for step in range(6):
            layout = one.batch(random, step).get("layout", "uniform")
            assert layout in ("uniform", "half", "full", "pane", "window uniform", "window full")


def test_checkpoints_of_other_options_are_refused(tmp_path):
    parts = {"heads": Heads(TINY["width"])}
    checkpoint.save(tmp_path, parts, {}, {"stage": "tiny", "step": 0})
    with pytest.raises(ValueError, match="weights must be of this version and these options"):
        checkpoint.load(tmp_path, {"heads": Heads(TINY["width"], pixels=True)})


def test_rates_rise_and_fall():
    one = stage(100)
    near(one.rate(0), 0.2, "step")
    assert one.rate(20) == 1
    near(one.rate(75), 0.5, "step")
    near(one.rate(99), 0.03, "step")


def test_style_limits_the_number_of_things():
    random = np.random.default_rng(0)
    assert max(len(drawing(random, Style(512, 6)).things) for _ in range(60)) == 6
    assert asked(random, "count", Style(256, 1))[1].answer == ("1",)
