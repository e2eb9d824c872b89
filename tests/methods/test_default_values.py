"""What the defaults of methods do: a law that holds at the stated value alone, on pictures that are not square."""

import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.contracts.attention import AttentionHeads
from pyrascope.allocation.contracts.dropper import Stage
from pyrascope.allocation.contracts.reducer import FeatureContext
from pyrascope.allocation.contracts.tiles import Tiles
from pyrascope.allocation.importance import Query
from pyrascope.allocation.importance.planes import halved, levelled
from pyrascope.allocation.importance.saliency import across
from pyrascope.methods import Anisotropic, MultiScale, SaliencyPyramid
from tolerances import near


def stripes(h, w):
    """Vertical stripes of one direction, (1, h, w)."""
    return (0.5 + 0.4 * torch.cos(2 * torch.pi * 0.2 * torch.arange(w, dtype=torch.float64))).expand(1, h, w)


def worth(plan):
    """What the regions of a plan are worth in all: a token's score is its region's worth a token."""
    return float(plan.scores.sum())


def test_directed_regions_are_worth_a_fifth_more():
    image = stripes(64, 160)
    plain = ps.plan(image, 12, Anisotropic(boost=0), 8)
    assert worth(ps.plan(image, 12, Anisotropic(), 8)) == pytest.approx(1.2 * worth(plain), rel=0.01)


def test_boxes_are_four_times_as_high_as_wide_at_most():
    plan = ps.plan(stripes(224, 256), 224, Anisotropic(region=32), 8)  # one region, 7 x 32 tokens
    ratios = (plan.boxes[:, 2] - plan.boxes[:, 0]) / (plan.boxes[:, 3] - plan.boxes[:, 1])
    np.testing.assert_array_equal(ratios, 4)


def test_relevance_is_summed_over_three_levels():
    """Each level has mean 1 over the cells."""
    plan = ps.plan(noise(3, 64, 96), 10, MultiScale(), 16)
    near(worth(plan), 3 * 64 * 96, dtype=torch.float32)
    near(worth(ps.plan(stripes(64, 96), 10, Anisotropic(boost=0), 16)), 3 * 64 * 96, dtype=torch.float32)


def test_tokens_contrast_with_two_coarser_levels_and_the_whole():
    image = noise(3, 20, 36, dtype=torch.float64)
    finest = torch.nn.functional.avg_pool2d(levelled(image), 4)  # a sample a token of 4 px
    coarser = [halved(finest), halved(halved(finest))]
    surrounds = [*coarser, coarser[-1].mean((1, 2), keepdim=True)]
    contrast = sum(across(finest, one).square().sum(0).sqrt() for one in surrounds) / 3
    plan = ps.plan(image, 45, SaliencyPyramid(levels=1), 4)
    scores = np.empty((5, 9))
    scores[tuple((plan.boxes[:, :2] // 4).astype(int).T)] = plan.scores
    near(torch.tensor(scores), 0.5 * contrast)


def test_levels_weigh_from_a_half_to_two():
    image = noise(3, 96, 160)
    found = ps.plan(image, 240, SaliencyPyramid(), 8)
    for weights, same in (((0.5, 1.0, 1.5, 2.0), True), ((1.0, 1.0, 1.0, 1.0), False)):
        other = ps.plan(image, 240, SaliencyPyramid(weights=weights), 8)
        assert np.array_equal(found.scores, other.scores) == same


def test_what_is_asked_is_the_cosine_above_the_least():
    features = torch.tensor([[[3.0, 0.0], [0.0, 1.0], [2.0, 2.0]]])  # cosines 0, 1 and the root of a half
    context = Context(query=torch.tensor([0.0, 5.0]), features=features)
    found = Query()(Scene(torch.zeros(1, 8, 24), None, context), 8)
    expected = torch.tensor([[0.0, 1.0, 0.5**0.5]], dtype=torch.float64)
    near(found, expected / expected.mean())


def test_dart_has_eight_pivots():
    """Twelve large tokens of one direction, then small ones of others: pivots are large, the rest are unlike them."""
    features = torch.zeros(20, 3, dtype=torch.float64)
    features[:12, 0] = torch.arange(32.0, 20.0, -1, dtype=torch.float64)
    features[12:, 1], features[12:, 2] = 1, torch.linspace(0, 1, 8, dtype=torch.float64)
    assert ps.reducers.DART()(features, 8).kept.tolist() == list(range(8))
    kept = ps.reducers.DART()(features, 10).kept.tolist()
    assert kept[:8] == list(range(8))
    assert min(kept[8:]) >= 12


def test_pru_merge_takes_up_32_dropped_tokens():
    attention = torch.ones(40, dtype=torch.float64)
    attention[7] = 5
    features = torch.randn(40, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left = ps.reducers.PruMerge()(features, 1, FeatureContext(attention=attention))
    assert left.kept.tolist() == [7]
    near(left.sizes, torch.tensor([1 + 32 / 44], dtype=torch.float64))


def test_hired_gives_half_to_the_whole_view():
    tiles = Tiles(2, 3, (3, 4))
    n = len(tiles.numbers())
    attention = torch.rand(n, generator=torch.Generator().manual_seed(0))
    left = ps.reducers.HiRED()(torch.eye(n), 20, FeatureContext(attention=attention, tiles=tiles))
    assert int((tiles.numbers()[left.kept] == 0).sum()) == 10


def test_vision_zip_merges_10_tokens_in_64():
    n = 150
    attention = torch.arange(n, 0, -1, dtype=torch.float64)
    features = torch.randn(n, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left = ps.reducers.VisionZip()(features, 64, FeatureContext(attention=attention))
    assert left.kept[:54].tolist() == list(range(54))
    assert left.kept[54:].tolist() == list(range(54, 54 + 90, 9))  # every ninth of the 96 others
    assert float(left.sizes.sum()) == n


def stage(n, d=6):
    """Two text tokens, n visual ones and three text tokens."""
    draw, s = torch.Generator().manual_seed(0), n + 5
    heads = AttentionHeads(torch.randn(2, s, 8, generator=draw), torch.randn(2, s, 8, generator=draw), 0.5)
    text = torch.tensor([0, 1, s - 3, s - 2, s - 1])
    hidden, embedded = torch.randn(2, s, d, generator=draw)
    return Stage(2, torch.arange(2, 2 + n), text, hidden, embedded, heads)


def test_sparse_vlm_recycles_three_tenths_in_one_cluster_for_each_ten_and_one_more():
    here = stage(100)
    left = ps.droppers.SparseVLM().keep(here, 30)
    changed = (left.hidden != here.hidden[here.visual][left.kept]).any(1)
    assert int(changed.sum()) == 3  # of 70 dropped ones 21 are recycled


def test_sparse_vlm_finds_clusters_by_five_neighbours():
    here, kept = stage(120), {}
    for neighbours in (None, 1, 4, 5):
        method = ps.droppers.SparseVLM() if neighbours is None else ps.droppers.SparseVLM(neighbours=neighbours)
        kept[neighbours] = method.keep(here, 20).kept.tolist()
    assert [kept[None] == kept[one] for one in (1, 4, 5)] == [False, False, True]


def test_fast_v_keeps_half_after_two_layers_by_the_last_row():
    assert ps.droppers.FastV().schedule(9, 4) == [9, 9, 4, 4]
    here = stage(9)
    best = here.attention(here.last)[0].argsort(descending=True)[:4].sort().values
    assert ps.droppers.FastV().keep(here, 4).kept.tolist() == best.tolist()


def test_pyramid_drop_halves_at_the_quarters_of_the_depth():
    assert ps.droppers.PyramidDrop().schedule(15, 8) == [15, 15, 7, 7, 3, 3, 1, 1]


def test_scheduled_and_random_halve_after_two_layers():
    for method in (ps.droppers.Scheduled(), ps.droppers.Random()):
        assert method.schedule(7, 4) == [7, 7, 3, 3]


def test_context_is_an_eighth_of_the_budget():
    plan = ps.plan(noise(3, 96, 160), 40, ps.methods.WithContext(ps.methods.Zoom()), 8)
    coarse = (plan.levels > 0).any(1)
    assert (int(coarse.sum()), plan.tokens) == (5, 40)


def test_the_first_look_is_half_of_the_budget_and_elsewhere_counts_two_hundredths():
    seen = []

    def detector(view):
        seen.append(tuple(view.shape))
        return torch.tensor([[0.0, 0.0, 4.0]])

    def inner(scenes, budget, cell):
        seen.append((budget, scenes[0].weight.tolist()))
        return ps.methods.RateDistortion()(scenes, budget, cell)

    ps.plan(noise(3, 64, 192), 24, ps.methods.CoarseToFine(inner, detector=detector), 8)
    assert seen[0] == (3, 16, 48)  # 2 x 6 cells
    budget, (row,) = seen[1]
    assert budget == 12
    near(torch.tensor(row), torch.tensor([0.02, 0.02, 1.0]))
