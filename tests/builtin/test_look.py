"""The trained look says what training computes, on the stock model, alone and in a batch."""

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.builtin.architecture import GRID, fresh
from pyrascope.builtin.forward import features_of, reply_to
from pyrascope.builtin.look import TrainedLook, default_method, looking, trained_look
from pyrascope.builtin.package import export, load, load_heads, processor
from pyrascope.builtin.train.crops import scaled
from pyrascope.builtin.train.layouts import uniform
from pyrascope.methods import CoarseToFine, Foveated, Resize, Zoom
from pyrascope.models import AttentionLook, plan_inputs
from pyrascope.tokens.gather import gather_patches
from pyrascope.world.scenes import sample
from pyrascope.world.vocabulary import encoded, words_of
from tiny_builtin import tiny_builtin
from tolerances import near


@pytest.fixture(scope="module")
def model():
    return tiny_builtin()[0]


@pytest.fixture(scope="module")
def look():
    return TrainedLook(tiny_builtin()[1])


@pytest.fixture(scope="module")
def shown():
    return sample(1, 0)


def asked(*samples):
    tools = processor()
    text = [f"<image>{one.question}" for one in samples]
    return tools(images=[one.image for one in samples], text=text, return_tensors="pt", padding=True)


@torch.no_grad()
def trained(model, heads, shown, plan, pixels):
    """What training computes for the tokens of a plan in reading order, as shares."""
    centers = torch.from_numpy((plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2 / 512).float()[None]
    features = features_of(model, gather_patches(pixels, plan).flatten(1)[None], centers)
    ids = encoded(words_of(shown.question))
    reply = reply_to(model, features, centers, torch.tensor(ids)[None, None])
    scores = heads.look(reply.states, reply.shown, torch.tensor([[len(ids) - 1]]))
    return scores[0, 0].softmax(-1)


@pytest.mark.parametrize("tokens", [1024, 64, 16])
def test_shares_are_those_of_training(model, look, shown, tokens):
    inputs = asked(shown)
    pixels = inputs["pixel_values"][0]
    near(pixels, torch.from_numpy(scaled(shown.image)).permute(2, 0, 1))
    small, (plan,) = plan_inputs(model, inputs, Resize(), tokens)
    assert plan.tokens == tokens
    (found,) = look.maps(model, inputs if tokens == 1024 else small)
    near(found, trained(model, look.heads, shown, plan, pixels), "transform")
    assert float(found.max()) > 1.2 / tokens, "a look that sees nothing proves nothing"


def test_each_prompt_of_a_padded_batch_as_alone(model, look, shown):
    other = sample(1, 5)
    assert len(words_of(other.question)) != len(words_of(shown.question))
    small, _ = plan_inputs(model, asked(shown, other), Resize(), 64)
    assert int((small["attention_mask"] == 0).sum()) > 0
    together = look.maps(model, small)
    for one, found in zip((shown, other), together, strict=True):
        alone, _ = plan_inputs(model, asked(one), Resize(), 64)
        near(found, look.maps(model, alone)[0])
        near(found.sum(), torch.tensor(1.0))


def test_detail_goes_where_the_heads_point(model, look, shown):
    inputs = asked(shown)
    small, _ = plan_inputs(model, inputs, Resize(), 64)
    best = int(look.maps(model, small)[0].argmax())
    (plan,) = plan_inputs(model, inputs, default_method(look), 96)[1]
    fine = plan.boxes[plan.levels.max(1) == 0]
    coarse = plan.boxes[plan.levels.max(1) > 0]
    assert (len(fine), len(coarse)) == (32, 64)
    y, x = divmod(best, 8)
    middle = (fine[:, :2] + fine[:, 2:]) / 2 // 64
    assert ((middle == (y, x)).all(1)).any()
    assert (uniform(512, 8) == coarse).all()


def test_it_is_taken_where_a_method_would_look_untrained(look):
    assert looking(CoarseToFine(), look).detector is look
    assert looking(CoarseToFine(share=20), look).share == 20
    other = CoarseToFine(detector=AttentionLook())
    assert looking(other, look) is other
    plain = Foveated()
    assert looking(plain, look) is plain
    without = CoarseToFine(Zoom())
    assert looking(without, None) is without


def test_a_folder_brings_its_look(model, look, shown, tmp_path):
    assert trained_look(tmp_path) is None
    export(model, look.heads, tmp_path)
    again, _ = load(tmp_path)
    found = trained_look(tmp_path)
    near(found.heads.query.weight, load_heads(tmp_path).query.weight)
    small, _ = plan_inputs(again, asked(shown), Resize(), 64)
    torch.testing.assert_close(found.maps(again, small)[0], look.maps(model, small)[0], atol=2e-2, rtol=0.1)


def test_a_look_of_another_model_and_a_bare_view_are_refused(look, shown):
    with pytest.raises(ValueError, match="of width 32, got one of width 16"):
        look.maps(fresh(0, width=16, encoder=1, decoder=1), asked(shown))
    with pytest.raises(ValueError, match="looks through a model, got a view alone"):
        look(torch.zeros(3, 8, 8))


def test_text_alone_has_no_maps(model, look):
    assert look.maps(model, processor()(text="what color is the background?", return_tensors="pt")) == []
    assert GRID * GRID == 1024
