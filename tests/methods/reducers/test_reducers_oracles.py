"""Each reducer against its formula written out token by token."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

import pyrascope as ps
from pyrascope.allocation.contracts.reducer import FeatureContext
from pyrascope.allocation.contracts.tiles import Tiles, Views
from tolerances import near

SEEDS = range(4)


def scene(n, seed, d=5):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, dtype=torch.float64, generator=generator)
    attention = torch.rand(n, dtype=torch.float64, generator=generator)
    keys = torch.randn(n, 4, dtype=torch.float64, generator=generator)
    return features, attention, keys


def alike(a, b):
    return float(cosine_similarity(a, b, dim=0))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("merges", [1, 3, 6])
def test_tome_merges_the_most_similar_pairs_of_even_and_odd_tokens(seed, merges):
    features, _, keys = scene(12, seed)
    best = {a: max(range(1, 12, 2), key=lambda b: alike(keys[a], keys[b])) for a in range(0, 12, 2)}
    joining = sorted(best, key=lambda a: -alike(keys[a], keys[best[a]]))[:merges]
    groups = {token: [token] for token in range(12) if token not in joining}
    for a in joining:
        groups[best[a]].append(a)
    left = ps.reducers.ToMe()(features, 12 - merges, FeatureContext(keys=keys))
    assert left.kept.tolist() == sorted(groups)
    for row, token in enumerate(left.kept.tolist()):
        near(left.features[row], features[groups[token]].mean(0))
        assert left.sizes[row] == len(groups[token])


@pytest.mark.parametrize("seed", SEEDS)
def test_vision_zip_adds_the_mean_of_those_that_join_to_evenly_spaced_targets(seed):
    features, attention, keys = scene(30, seed)
    budget, extra = 14, 2  # 14 * 10 // 64
    order = sorted(range(30), key=lambda j: -float(attention[j]))
    dominant, others = order[: budget - extra], sorted(order[budget - extra :])
    targets = others[:: len(others) // extra][:extra]
    expected = {token: features[token] for token in dominant}
    for target in targets:
        mine = [j for j in others if j not in targets and max(targets, key=lambda t: alike(keys[j], keys[t])) == target]
        expected[target] = features[target] + (features[mine].mean(0) if mine else 0)
    left = ps.reducers.VisionZip()(features, budget, FeatureContext(attention=attention, keys=keys))
    assert left.kept.tolist() == sorted(expected)
    near(left.features, torch.stack([expected[token] for token in sorted(expected)]), "step")


@pytest.mark.parametrize("seed", SEEDS)
def test_pru_merge_adds_the_nearest_dropped_tokens_by_their_attention(seed):
    features, attention, keys = scene(15, seed)
    kept = sorted(sorted(range(15), key=lambda j: -float(attention[j]))[:6])
    dropped = [j for j in range(15) if j not in kept]
    left = ps.reducers.PruMerge(neighbours=3)(features, 6, FeatureContext(attention=attention, keys=keys))
    assert left.kept.tolist() == kept
    for row, token in enumerate(kept):
        nearest = sorted(dropped, key=lambda j: -alike(keys[token], keys[j]))[:3]
        added = sum(attention[j] / attention.sum() * features[j] for j in nearest)
        near(left.features[row], features[token] + added)


@pytest.mark.parametrize("seed", SEEDS)
def test_dart_keeps_pivots_by_norm_and_what_is_least_like_them(seed):
    features, _, keys = scene(20, seed)
    pivots = sorted(range(20), key=lambda j: -float(keys[j].abs().sum()))[:3]
    kept, budget = list(pivots), 10
    for number, pivot in enumerate(pivots):
        share = (budget - 3) // 3 + (number < (budget - 3) % 3)
        free = [j for j in range(20) if j not in kept]
        kept += sorted(free, key=lambda j: alike(features[pivot], features[j]))[:share]
    left = ps.reducers.DART(pivots=3)(features, budget, FeatureContext(keys=keys))
    assert left.kept.tolist() == sorted(kept)


def test_hired_gives_the_marked_quadrants_their_tokens():
    tiles = Tiles(2, 2, (4, 4))
    first = torch.zeros(80, dtype=torch.float64)
    marked = {0: [0, 1, 4, 5], 1: [2, 3], 2: [8], 3: [15]}  # cells of the whole view, by the quadrant they lie in
    for quadrant, cells in marked.items():
        first[cells] = 1.0 + quadrant
    attention = torch.rand(80, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    known = FeatureContext(attention=attention, first_attention=first, tiles=tiles)
    features = torch.randn(80, 3, dtype=torch.float64)
    left = ps.reducers.HiRED(whole=0.5)(features, 16, known)
    counts = torch.bincount(tiles.numbers()[left.kept], minlength=5).tolist()
    assert counts == [8, 4, 2, 1, 1]  # half for the whole view; of the eight marks 4, 2, 1 and 1 lie in a tile
    for view, count in enumerate(counts):
        mine = attention[16 * view : 16 * view + 16]
        best = sorted(range(16), key=lambda j: -float(mine[j]))[:count]
        assert sorted(left.kept[tiles.numbers()[left.kept] == view].tolist()) == sorted(16 * view + j for j in best)


@pytest.mark.parametrize("seed", SEEDS)
def test_pyramid_token_pruning_fuses_attention_and_text_within_the_quota_of_each_tile(seed):
    features, attention, _ = scene(20, seed)
    attention[:10] += 3  # so the first tile is the more salient one by far
    query = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 9))
    tiles = torch.arange(20) // 10
    text = torch.tensor([max(alike(features[j], q) for q in query) for j in range(20)], dtype=torch.float64)
    scores = sum(0.5 * (v - v.min()) / (v.max() - v.min()) for v in (attention, text))
    quota = ps.allocate([float(attention[:10].sum()), float(attention[10:].sum())], 9, minimum=0, maximum=10)
    expected = []
    for tile, count in enumerate(quota):
        mine = range(10 * tile, 10 * tile + 10)
        expected += sorted(mine, key=lambda j: -float(scores[j]))[: int(count)]
    known = FeatureContext(attention=attention, query=query, tiles=tiles)
    assert ps.reducers.PyramidTokenPruning()(features, 9, known).kept.tolist() == sorted(expected)


def test_pool_and_resize_average_blocks_of_the_grid():
    features = torch.arange(24.0, dtype=torch.float64).reshape(24, 1)
    known = FeatureContext(grid=(4, 6))
    blocks = features.reshape(2, 2, 3, 2).mean((1, 3)).reshape(6, 1)
    for method in (ps.reducers.Pool(), ps.reducers.Resize()):
        near(method(features, 6, known).features, blocks, "step")


def test_hired_with_views_in_any_order_is_hired_with_tiles():
    """The tokens of the views shuffled among one another: the same ones are kept, and none more of a short tile."""
    tiles = Tiles(2, 2, (4, 4))
    draw = torch.Generator().manual_seed(3)
    features = torch.randn(80, 8, generator=draw)
    attention, first = torch.rand(2, 80, generator=draw)
    order = torch.randperm(80, generator=draw)
    order[(tiles.numbers()[order] == 0)] = torch.arange(16)  # the whole image's own tokens stay in order
    views = Views(tiles.numbers()[order], tiles.shown_by())
    for budget in (1, 9, 30, 79):
        want = ps.reducers.HiRED()(
            features, budget, FeatureContext(attention=attention, first_attention=first, tiles=tiles)
        )
        known = FeatureContext(attention=attention[order], first_attention=first[order], tiles=views)
        found = ps.reducers.HiRED()(features[order], budget, known)
        assert sorted(order[found.kept].tolist()) == want.kept.tolist()
    short = torch.cat([torch.arange(20), torch.arange(32, 80)])  # tile 0 has 4 tokens, tile 1 all 16
    views = Views(tiles.numbers()[short], tiles.shown_by())
    known = FeatureContext(attention=attention[short], first_attention=first[short], tiles=views)
    counts = torch.bincount(
        tiles.numbers()[short][ps.reducers.HiRED(whole=0.0)(features[short], 60, known).kept], minlength=5
    )
    assert int(counts.sum()) == 60
    assert bool((counts <= torch.tensor([16, 4, 16, 16, 16])).all())


def test_hired_of_one_view_is_attention():
    features, attention = torch.randn(9, 4), torch.rand(9)
    known = FeatureContext(attention=attention, tiles=torch.zeros(9, dtype=torch.long))
    assert ps.reducers.HiRED()(features, 4, known).kept.tolist() == sorted(
        attention.argsort(descending=True)[:4].tolist()
    )


def test_the_strength_of_cd_pruner_weighs_relevance_against_diversity():
    """The second pick is worth exp(alpha (r - 1))^2 times the squared sine to the first; here alpha is a half."""
    features = torch.tensor([[1.0, 0, 0], [0.8, 0.6, 0], [0, 0, 1.0]], dtype=torch.float64)  # relevances 1, 0.8 and 0
    known = FeatureContext(query=features[0])
    # 0.36 exp(-0.2) = 0.29 for the second, exp(-1) = 0.37 for the third
    assert ps.reducers.CDPruner(strength=0.5)(features, 2, known).kept.tolist() == [0, 2]
    # with alpha 1: 0.36 exp(-0.4) = 0.24, exp(-2) = 0.14
    assert ps.reducers.CDPruner(strength=2 / 3)(features, 2, known).kept.tolist() == [0, 1]
