"""One contract for all methods of the layers site, published counts, and each score by hand."""

import pytest
import torch
from torch.testing import assert_close

import pyrascope as ps
from pyrascope.allocation.budgets.cost import DECODERS, flops, mean_tokens, staged
from pyrascope.allocation.contracts.attention import AttentionHeads
from pyrascope.methods.droppers import DROPPERS, Kept, Stage, dropper_from
from pyrascope.methods.droppers.sparse_vlm import density_peaks
from pyrascope.models.sites import LAYERS, site_of
from tolerances import near

EVERY = [*(kind() for kind in DROPPERS.values()), ps.droppers.FastV(rows="all"), ps.droppers.SparseVLM(recycle=0)]
LLAVA = DECODERS["llava-1.5-7b"]


def stage(n=12, before=2, after=4, d=6, layer=2, seed=0):
    """`before` text tokens, n visual ones, `after` text tokens."""
    draw = torch.Generator().manual_seed(seed)
    s = before + n + after
    return Stage(
        layer,
        visual=torch.arange(before, before + n),
        text=torch.cat([torch.arange(before), torch.arange(before + n, s)]),
        hidden=torch.randn(s, d, generator=draw),
        embedded=torch.randn(s, d, generator=draw),
        heads=AttentionHeads(torch.randn(4, s, 8, generator=draw), torch.randn(2, s, 8, generator=draw), 0.5),
    )


@pytest.mark.parametrize("method", EVERY, ids=repr)
def test_contract(method):
    assert site_of(method) == LAYERS
    assert dropper_from(repr(method)) == method
    assert hash(method) == hash(dropper_from(repr(method)))
    for n in (1, 2, 12, 40):
        here = stage(n)
        for count in {1, n // 2 or 1, n}:
            left = method.keep(here, count)
            assert left.kept.dtype == torch.int64
            assert left.kept.shape == (count,)
            assert bool((left.kept.diff() > 0).all())
            assert 0 <= int(left.kept[0]) <= int(left.kept[-1]) < n
            if left.hidden is not None:
                assert left.hidden.shape == (count, 6)
            if count == n:
                assert left.hidden is None or torch.equal(left.hidden, here.hidden[here.visual])
    for layers in (3, 28, 32, 40):
        counts = method.schedule(100, layers)
        assert len(counts) == layers
        assert counts == sorted(counts, reverse=True)
        assert method.schedule(100, layers, 90)[0] == 100
        assert 89 < sum(method.schedule(100, layers, 90)) / layers <= 90
        assert method.schedule(100, layers, 100) == [100] * layers


def drops(counts):
    return {i: counts[i] for i in range(1, len(counts)) if counts[i] < counts[i - 1]}


def test_published_schedules_and_what_they_cost():
    pyramid = ps.droppers.PyramidDrop().schedule(576, 32)
    assert drops(pyramid) == {8: 288, 16: 144, 24: 72}
    assert mean_tokens(pyramid) == 270
    assert pyramid == ps.droppers.PyramidDrop().schedule(576, 32, budget=270)
    full = flops(LLAVA, ps.droppers.PyramidDrop(ratio=1.0).schedule(576, 32))
    cost = flops(LLAVA, staged(LLAVA, 576, drops(pyramid)))
    assert (round(full / 1e12, 2), round(cost / 1e12, 2)) == (3.82, 1.78)
    fast = ps.droppers.FastV(after=2, ratio=0.25).schedule(576, 32)
    assert drops(fast) == {2: 144}
    assert mean_tokens(fast) == 171
    means = [mean_tokens(ps.droppers.SparseVLM(table).schedule(576, 32)) for table in (192, 128, 64)]
    assert [round(mean + 1e-9, 1) for mean in means] == [191.0, 126.3, 62.1]
    assert drops(ps.droppers.SparseVLM().schedule(576, 32)) == {2: 300, 6: 200, 16: 110}


def test_the_ratio_of_fastv():
    d, m = 4096, 11008
    plain = DECODERS["llava-1.5-7b"].__class__(d, m, 32, 32, matrices=2)

    def layer(n):
        return 4 * n * d**2 + 2 * n**2 * d + 2 * n * d * m

    counts = ps.droppers.FastV(after=3, ratio=0.5).schedule(576, 32)
    ratio = (3 * layer(576) + 29 * layer(288)) / (32 * layer(576))
    near(flops(plain, counts) / flops(plain, [576] * 32), ratio, "step")


def weights(here):
    """The attention of a stage in full, by hand: (s, s), mean over heads."""
    heads, s = here.heads, len(here.hidden)
    logits = torch.stack([heads.query[h] @ heads.key[h // 2].T * 0.5 for h in range(4)])
    return logits.masked_fill(torch.ones(s, s).triu(1).bool(), -torch.inf).softmax(-1).mean(0)


@pytest.mark.parametrize(
    ("method", "rows"),
    [(ps.droppers.PyramidDrop(), [-1]), (ps.droppers.Scheduled(), [-1]), (ps.droppers.FastV(), [-1]),
     (ps.droppers.FastV(rows="all"), range(18))],
)  # fmt: skip
def test_the_most_attended_stay_in_order(method, rows):
    here = stage()
    scores = weights(here)[list(rows)].mean(0)[here.visual]
    assert method.keep(here, 5).kept.tolist() == sorted(scores.topk(5).indices.tolist())


def test_raters_are_the_text_that_concerns_the_image():
    here = stage(seed=3)
    image, words = here.embedded[2:14], here.embedded[14:]
    likeness = (image @ words.T / 6**0.5).softmax(-1).mean(0)
    raters = [14 + i for i in range(4) if likeness[i] >= likeness.mean()]
    assert 0 < len(raters) < 4
    scores = weights(here)[raters].mean(0)[here.visual]
    kept = ps.droppers.SparseVLM(recycle=0).keep(here, 5)
    assert kept.hidden is None
    assert kept.kept.tolist() == sorted(scores.topk(5).indices.tolist())


def test_recycled_tokens_are_summed_at_their_centres():
    here = stage(n=40)
    method = ps.droppers.SparseVLM(recycle=0.5)
    kept = method.keep(here, 10)  # 30 leave, 15 of them come back in 2 clusters
    plain = ps.droppers.SparseVLM(recycle=0).keep(here, 8).kept
    states = here.hidden[here.visual]
    own = torch.isin(kept.kept, plain)
    assert int(own.sum()) == 8
    assert_close(kept.hidden[own], states[plain], rtol=0, atol=0)
    recycled = torch.tensor(
        sorted(set(ps.droppers.SparseVLM(recycle=0).keep(here, 8 + 15).kept.tolist()) - set(plain.tolist()))
    )
    assert bool(torch.isin(kept.kept[~own], recycled).all())
    near(kept.hidden[~own].sum(0), states[recycled].sum(0), "step")


def test_density_peaks_find_separate_heaps():
    torch.manual_seed(1)
    heaps = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    which = torch.arange(30) % 3
    centres, label = density_peaks(heaps[which] + 0.3 * torch.randn(30, 2), 3, 5)
    assert sorted(which[centres].tolist()) == [0, 1, 2]
    assert torch.equal(which[centres][label], which)
    same, labels = density_peaks(torch.zeros(4, 2), 2, 5)
    assert same.unique().numel() == 2
    assert labels[same].tolist() == [0, 1]


def test_random_is_fair_and_seeded():
    here = stage()
    counts = torch.zeros(12)
    for seed in range(600):
        counts[ps.droppers.Random(seed=seed).keep(here, 3).kept] += 1
    assert counts.min() > 110
    assert counts.max() < 190
    assert torch.equal(
        ps.droppers.Random(seed=5).keep(here, 3).kept, ps.droppers.Random(seed=5).keep(stage(seed=9), 3).kept
    )


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="ratio must be a number above 0"):
        ps.droppers.PyramidDrop(ratio=0)
    with pytest.raises(ValueError, match="after must rise"):
        ps.droppers.PyramidDrop(after=(3, 2))
    with pytest.raises(ValueError, match="rows must be one of 'last', 'all'"):
        ps.droppers.FastV(rows="first")
    with pytest.raises(ValueError, match="table must be one of '192', '128', '64'"):
        ps.droppers.SparseVLM(table=100)
    with pytest.raises(ValueError, match="from 289 to 576, got 100; 2 of 4 layers have all 576"):
        ps.droppers.FastV().schedule(576, 4, budget=100)
    with pytest.raises(ValueError, match="did you mean"):
        dropper_from("pyramid-dorp")
    with pytest.raises(ValueError, match="needs queries and keys"):
        ps.droppers.FastV().keep(Stage(2, torch.arange(3), torch.tensor([3]), torch.zeros(4, 2), torch.zeros(4, 2)), 2)
    assert isinstance(ps.droppers.Random().keep(stage(), 2), Kept)
