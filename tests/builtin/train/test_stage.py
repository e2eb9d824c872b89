"""The loss of questions: each part on a reply made by hand, written out word by word, and how much each counts."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from pyrascope.builtin.forward import Reply
from pyrascope.builtin.heads import CLASSES, COLUMNS, FRAME_SIDE, LOOK_WIDTH, Heads
from pyrascope.builtin.train import stage
from pyrascope.builtin.train.losses import dense_losses, place_loss, spot_loss
from pyrascope.builtin.train.stage import HIDDEN, WEIGHTS, Stage, answer_loss, masked_batch, read_loss
from pyrascope.builtin.train.targets import IGNORED
from tolerances import near

pytest.importorskip("transformers")
B, N, Q, L, D, V = 2, 3, 2, 7, 8, 5
"""Pictures, tokens, questions, words of each, width, vocabulary."""
STATED = {
    "answer": 1.0, "dense": 1.0, "spot": 0.3, "look": 0.3, "mention": 0.3, "attended": 0.6, "place": 0.6, "both": 0.3,
    "aimed": 0.3, "reconstruction": 0.1,
}  # fmt: skip
LAST = [[4, 2], [3, 4]]
"""Place of the last word of each question: its answer follows."""
NAMED = [[[1, 3], [2, 0]], [[3, 1], [2, 4]]]


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def shares(*shape):
    return drawn(*shape).softmax(-1)


@pytest.fixture
def heads():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Heads(D)


@pytest.fixture
def reply():
    attended, aimed = drawn(B, Q, L, N + Q * L), drawn(B, Q, L, N + Q * L) * 2 + 1
    return Reply(drawn(B, Q, L, V), *drawn(3, B, Q, L, D), attended, aimed, drawn(B, N, D))


@pytest.fixture
def batch():
    labels = torch.full((B, Q, L), IGNORED)
    for b in range(B):
        for q in range(Q):
            labels[b, q, LAST[b][q] : LAST[b][q] + 2] = torch.tensor([q + 1, b + 3])
    meant, spots = shares(B, Q, 2, N + 1), torch.full((B, Q, 2, 3), IGNORED)
    meant[0, 1, 1] = 0  # nothing is named
    meant[1, 0, 0] = torch.tensor([0.0, 0, 0, 1])  # what is named is not there
    spots[0, 0] = torch.tensor([[1, 15, 2], [7, 0, 5]])
    spots[1, 1, 0] = torch.tensor([9, 4, 0])
    read = shares(B, Q, 2, N + 1)
    read[0, 0, 1] = 0
    wanted = torch.tensor(CLASSES).expand(B, N, -1).clone()
    wanted[0, 0], wanted[1, 2, COLUMNS["corner"]] = 0, IGNORED
    look = shares(B, Q, N)
    look[1, 1] = 0
    return {
        "layout": "small", "families": [["number", "side"], ["count", "number"]], "patches": drawn(B, N, 768),
        "centers": torch.rand(B, N, 2, generator=torch.Generator().manual_seed(0)), "text": torch.ones(B, Q, L).long(),
        "labels": labels, "last": torch.tensor(LAST), "named": torch.tensor(NAMED), "meant": meant, "spots": spots,
        "read": read, "look": look, "wanted": wanted,
    }  # fmt: skip


@pytest.fixture
def found(monkeypatch, heads, reply, batch):
    """The loss, and its parts by name."""
    monkeypatch.setattr(stage, "features_of", lambda model, patches, centers: drawn(B, N, D) + 1)
    monkeypatch.setattr(stage, "reply_to", lambda model, features, centers, text: reply)
    loss, seen = answer_loss(None, heads, batch)
    return loss, {name.removeprefix("small: "): value for name, value in seen.items()}


def words():
    return [(b, q) for b in range(B) for q in range(Q)]


def surprise(scores, aim):
    return -(aim * scores.log_softmax(-1)).sum()


def mean(parts):
    return torch.stack(parts).mean()


def test_answers_are_the_words_behind_the_question(found, reply, batch):
    parts = [
        cross_entropy(reply.logits[b, q, LAST[b][q] + k], batch["labels"][b, q, LAST[b][q] + k])
        for b, q in words()
        for k in (0, 1)
    ]
    near(found[1]["answer"], mean(parts))


def test_the_last_word_looks_at_the_evidence(found, heads, reply, batch):
    parts = []
    for b, q in words():
        scores = (
            heads.key(heads.shown(reply.shown[b])) @ heads.query(reply.states[b, q, LAST[b][q]]) / math.sqrt(LOOK_WIDTH)
        )
        parts.append(surprise(scores, batch["look"][b, q]))
    near(found[1]["look"], mean(parts[:-1]))  # nothing is looked for by the last one


def test_words_that_name_a_thing_point_to_it(found, heads, reply, batch):
    mention, attended = [], []
    for b, q in words():
        for k in (0, 1):
            aim, place = batch["meant"][b, q, k], NAMED[b][q][k]
            keys = torch.cat([heads.key(heads.shown(reply.shown[b])), heads.nowhere[None]])
            scores = keys @ heads.mention(reply.middle[b, q, place]) / math.sqrt(LOOK_WIDTH)
            if aim.sum() > 0:
                mention.append(surprise(scores, aim))
            if aim[:N].sum() > 0:
                attended.append(surprise(reply.attended[b, q, place], torch.cat([aim[:N], torch.zeros(Q * L)])))
    assert (len(mention), len(attended)) == (7, 6)
    near(found[1]["mention"], mean(mention))
    near(found[1]["attended"], mean(attended))


def placed(scores, spot):
    parts = scores.split((FRAME_SIDE, FRAME_SIDE, 6))
    return torch.stack([cross_entropy(part, aim) for part, aim in zip(parts, spot, strict=True)])


def test_things_that_are_named_are_placed_by_their_names_and_by_the_last_word(found, heads, reply, batch):
    place, both = [], []
    for b, q, k in ((0, 0, 0), (0, 0, 1), (1, 1, 0)):
        spot = batch["spots"][b, q, k]
        place.append(placed(heads.place(reply.middle[b, q, NAMED[b][q][k]]), spot))
        both.append(placed(heads.both(reply.late[b, q, LAST[b][q]]).chunk(2)[k], spot))
    near(found[1]["place"], torch.stack(place).mean())
    near(found[1]["both"], torch.stack(both).mean())


def test_the_words_before_those_of_the_answer_attend_to_what_these_are_read_from(found, reply, batch):
    parts = []
    for b, q in words():
        for k in (0, 1):
            aim = torch.zeros(N + Q * L)
            aim[:N] = batch["read"][b, q, k, :N]
            aim[N + q * L + LAST[b][q] + k] = batch["read"][b, q, k, N]
            if aim.sum() > 0:
                parts.append(surprise(reply.aimed[b, q, LAST[b][q] + k], aim))
    assert len(parts) == 7
    near(found[1]["aimed"], mean(parts))


def test_tokens_are_asked_what_they_show_and_where_they_are(found, heads, batch):
    features = drawn(B, N, D) + 1
    near(found[1]["dense"], dense_losses(heads, features, batch["wanted"])[0])
    near(found[1]["spot"], spot_loss(heads, features, batch["centers"]))


def test_every_part_counts_as_stated(found):
    loss, parts = found
    assert WEIGHTS == STATED
    near(loss, sum(STATED[name] * value for name, value in parts.items() if name in STATED))
    assert set(STATED) - set(parts) == {"reconstruction"}


def test_exact_answers_are_counted_by_family(found, reply, batch):
    right = []
    for b, q in words():
        spoken = reply.logits[b, q].argmax(-1)[LAST[b][q] : LAST[b][q] + 2]
        right.append(float(bool((spoken == batch["labels"][b, q, LAST[b][q] : LAST[b][q] + 2]).all())))
    names = ["number first", "side", "count", "number"]
    assert [found[1][name] for name in names] == right


def test_dense_targets_weigh_none_a_fifth_and_corners_four_times(heads):
    features, wanted = drawn(1, 2, D), torch.tensor(CLASSES).expand(1, 2, -1).clone()
    wanted[0, 0] = 0  # the first token shows the first class of everything, the second nothing
    scores, start, parts = heads.dense(heads.norm(features))[0], 0, []
    for column, count in enumerate(CLASSES):
        log = scores[:, start : start + count + 1].log_softmax(-1)
        part = -(log[0, 0] + 0.2 * log[1, count]) / 1.2
        parts.append(4 * part if column == COLUMNS["corner"] else part)
        start += count + 1
    near(dense_losses(heads, features, wanted)[0], mean(parts))


def test_spots_are_the_row_and_the_column_of_the_frame(heads):
    features, centers = drawn(1, 1, D), torch.tensor([[[0.26, 0.99]]])
    row, column = heads.spot(heads.norm(features))[0, 0].split(FRAME_SIDE)
    expected = (cross_entropy(row, torch.tensor(4)) + cross_entropy(column, torch.tensor(15))) / 2
    near(spot_loss(heads, features, centers), expected)


def test_places_that_are_right_are_counted_by_their_rows():
    scores, spots = torch.zeros(3, 2 * FRAME_SIDE + 6), torch.tensor([[2, 1, 0], [3, 1, 0], [IGNORED] * 3])
    scores[:, 2] = 5
    assert place_loss(scores, spots)[1] == 0.5
    loss, share = place_loss(scores, torch.full((3, 3), IGNORED))
    assert float(loss) == 0
    assert math.isnan(share)


def test_crops_count_where_tokens_are_and_what_is_hidden(monkeypatch, heads, batch):
    monkeypatch.setattr(stage, "features_of", lambda model, patches, centers: drawn(B, N, D) + patches.mean())
    monkeypatch.setattr(stage, "reconstruction_loss", lambda heads, features, patches: patches.square().sum())
    hidden = torch.tensor([[True, False, False], [False, False, True]])
    loss, seen = read_loss(None, heads, batch | {"hidden": hidden})
    features = drawn(B, N, D) + batch["patches"].masked_fill(hidden[..., None], 0).mean()
    given_back = batch["patches"].square().sum()
    dense, spot = dense_losses(heads, features, batch["wanted"])[0], spot_loss(heads, features, batch["centers"])
    near(loss, dense + 0.3 * spot + 0.1 * given_back)
    near(seen["reconstruction"], given_back)


def test_three_tenths_of_the_tokens_are_hidden_and_not_asked(monkeypatch):
    class Random:
        def random(self, shape):
            return torch.linspace(0.05, 0.95, 10).expand(shape).numpy()

    plain = {"patches": drawn(4, 10, 3), "wanted": torch.zeros(4, 10, 2).long()}
    monkeypatch.setattr(stage, "read_batch", lambda random, step: dict(plain))
    batch = masked_batch(Random(), 0)
    assert HIDDEN == 0.3
    assert batch["hidden"].tolist() == [[True] * 3 + [False] * 7] * 4
    assert (batch["wanted"][..., 0] == IGNORED).tolist() == batch["hidden"].tolist()


def test_rates_rise_over_100_steps_and_fall_over_the_last_half():
    whole = Stage("read", 1000, None, None, {})
    near([whole.rate(step) for step in (0, 49, 99, 300, 500, 750, 999)], [0.01, 0.5, 1, 1, 1, 0.5, 0.03])
