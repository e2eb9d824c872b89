import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.allocation.budgets.selection import dpp, max_min, tile_quotas, top_k, top_k_per_tile
from tolerances import near, room

SIZES = st.integers(1, 12)


def gauss(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosines(features):
    f = features.double().numpy()
    n = len(f)
    length = [np.sqrt(sum(v * v for v in row)) or 1.0 for row in f]
    return np.array([[float(f[i] @ f[j]) / length[i] / length[j] for j in range(n)] for i in range(n)])


def naive_next(distance, picks, w):
    """What each token offers as the next pick, by the definition."""
    n = len(distance)
    offers = np.full(n, -1.0)
    for j in set(range(n)) - set(picks):
        offers[j] = w[j] * min((distance[i, j] for i in picks or set(range(n)) - {j}), default=2.0)
    return offers


def kernel(features, relevance):
    r = relevance.double().numpy()
    return r[:, None] * cosines(features) * r[None]


def check_selection(picks, count, n):
    assert picks.dtype == torch.int64
    assert picks.shape == (count,)
    assert len(set(picks.tolist())) == count
    assert all(0 <= pick < n for pick in picks.tolist())


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.data())
def test_top_k_is_pythons_stable_sort(scores, data):
    count = data.draw(st.integers(0, len(scores)))
    expected = sorted(range(len(scores)), key=lambda i: -scores[i])[:count]
    for dtype in (torch.float32, torch.float16, torch.int64):
        assert top_k(torch.tensor(scores, dtype=dtype), count).tolist() == expected


def test_top_k_takes_leading_axes_and_infinite_scores():
    scores = torch.tensor([[1.0, -torch.inf, 3.0], [torch.inf, 2.0, 2.0]])
    assert top_k(scores, 2).tolist() == [[2, 0], [0, 1]]


@settings(deadline=None)
@given(SIZES, st.integers(1, 5), st.data())
def test_max_min_is_the_naive_loop(n, d, data):
    seed = data.draw(st.integers(0, 999))
    features, count = gauss(n, d + 1, seed=seed), data.draw(st.integers(0, n))
    seeds = data.draw(st.permutations(range(n)))[: data.draw(st.integers(0, count))]
    for weights in (None, 0.1 + noise(n, dtype=torch.float64, seed=seed)):
        picks = max_min(features, count, weights, torch.tensor(seeds, dtype=torch.int64))
        check_selection(picks, count, n)
        assert picks[: len(seeds)].tolist() == seeds
        for step in range(len(seeds), count):
            offers = naive_next(
                1 - cosines(features), picks[:step].tolist(), np.ones(n) if weights is None else weights
            )
            assert offers[picks[step]] >= offers.max() - room()  # two nearest neighbours offer the same


def test_max_min_crosses_strips_of_rows():
    features = gauss(1500, 3)
    first = int(max_min(features, 1))
    distance = 1 - torch.nn.functional.cosine_similarity(features[:, None], features[None], dim=-1)
    distance.fill_diagonal_(2.0)
    assert first == int(distance.amin(1).argmax())


@given(st.integers(0, 99))
def test_max_min_starts_with_the_first_of_the_farthest_pair(seed):
    features = torch.cat([gauss(2, 5, seed=seed), -torch.ones(4, 5) + 0.01 * gauss(4, 5, seed=seed)])
    distance = 1 - cosines(features) + 9 * np.eye(6)
    alone = np.flatnonzero(distance.min(1) > distance.min(1).max() - room())
    assert int(max_min(features, 1)) == alone[0]


def test_max_min_leaves_duplicates_for_last_in_their_order():
    one, other = gauss(2, 7)
    features = torch.stack([one, 3 * one, other, 0.1 * one, 7 * other]).float()
    assert max_min(features, 5).tolist() == [0, 2, 1, 3, 4]
    assert sorted(max_min(features, 2, torch.tensor([1.0, 2, 1, 1, 1])).tolist()) != [0, 1]


@settings(deadline=None)
@given(SIZES, st.integers(1, 14), st.data())
def test_every_pick_of_dpp_makes_the_determinant_largest(n, d, data):
    seed = data.draw(st.integers(0, 999))
    features, count = gauss(n, d, seed=seed), data.draw(st.integers(0, n))
    relevance = 0.1 + noise(n, dtype=torch.float64, seed=seed)
    picks = dpp(features, count, relevance)
    check_selection(picks, count, n)
    matrix = kernel(features, relevance)
    for step in range(min(count, d)):
        before = picks[:step].tolist()
        size = matrix.max() ** (step + 1)  # of the products in a determinant, which cancel
        found = {j: np.linalg.det(matrix[np.ix_(s, s)]) for j in range(n) if j not in before for s in [[*before, j]]}
        assert found[int(picks[step])] >= max(found.values()) - room(size)


@pytest.mark.parametrize("seed", range(5))
def test_dpp_against_the_best_of_all_subsets(seed):
    features, relevance = gauss(8, 6, seed=seed), 0.5 + noise(8, dtype=torch.float64, seed=seed)
    matrix = kernel(features, relevance)
    for count in range(1, 5):
        found = {s: np.linalg.det(matrix[np.ix_(s, s)]) for s in itertools.combinations(range(8), count)}
        best, mine = max(found.values()), found[tuple(sorted(dpp(features, count, relevance).tolist()))]
        assert best * 0.3 <= mine <= best + room(best)
        if count == 1:
            near(mine, best)


def test_dpp_fills_by_relevance_beyond_the_rank_of_the_kernel():
    basis = gauss(2, 5)
    features = torch.stack([basis[0], 2 * basis[0], basis[1], basis[0] + basis[1], -basis[1]]).float()
    relevance = torch.tensor([0.5, 1.0, 0.9, 0.3, 0.5])
    picks = dpp(features, 5, relevance).tolist()
    assert picks[0] == 1
    assert picks[2:] == sorted(set(range(5)) - set(picks[:2]), key=lambda i: (-relevance[i].item(), i))
    assert dpp(features, 3, torch.zeros(5)).tolist() == [0, 1, 2]
    assert dpp(torch.zeros(4, 3), 3, torch.tensor([0.0, 2, 1, 2])).tolist() == [1, 3, 2]


def test_dpp_without_diversity_is_top_k_and_without_relevance_is_diversity():
    relevance = noise(6, dtype=torch.float64)
    assert dpp(torch.eye(6), 4, relevance).tolist() == top_k(relevance, 4).tolist()
    features = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1e-3], [0, 0, 1]])
    assert dpp(features, 3).tolist() == [0, 2, 4]


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160])
def test_scale_of_features_and_relevance_does_not_matter(scale):
    features, relevance = gauss(10, 4), 0.1 + noise(10, dtype=torch.float64)
    assert dpp(features * scale, 8, relevance * scale).tolist() == dpp(features, 8, relevance).tolist()
    assert max_min(features * scale, 8).tolist() == max_min(features, 8).tolist()


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 5), st.data())
def test_top_k_per_tile_is_top_k_within_each(n, t, data):
    seed = data.draw(st.integers(0, 999))
    generator = torch.Generator().manual_seed(seed)
    tiles = torch.randint(t, (n,), generator=generator)
    scores = torch.randint(4, (n,), generator=generator).double()
    importance = data.draw(st.sampled_from([None, noise(t, dtype=torch.float64, seed=seed), torch.zeros(t)]))
    count = data.draw(st.integers(0, n))
    picks = top_k_per_tile(scores, tiles, count, importance)
    check_selection(picks, count, n)
    sizes = torch.bincount(tiles, minlength=t)
    quota = tile_quotas(sizes if importance is None else importance, count, sizes)
    assert int(quota.sum()) == count
    expected = []
    for tile in range(t):
        members = [i for i in range(n) if tiles[i] == tile]
        expected += sorted(members, key=lambda i: -scores[i].item())[: int(quota[tile])]
    assert picks.tolist() == sorted(expected, key=lambda i: (-scores[i].item(), i))


def one_by_one(importance, count, sizes):
    """Webster's rule a token at a time: the next goes to the largest share / (2 n + 1) among tiles with room."""
    quota = [0] * len(sizes)
    for _ in range(count):
        room = [i for i in range(len(sizes)) if quota[i] < sizes[i]]
        quota[max(room, key=lambda i: (importance[i] / (2 * quota[i] + 1), -i))] += 1
    return quota


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 6)), min_size=1, max_size=6), st.data())
def test_quotas_are_websters_with_caps(tiles, data):
    importance, sizes = zip(*tiles, strict=True)
    if not any(sizes):
        return
    count = data.draw(st.integers(0, sum(sizes)))
    found = tile_quotas(torch.tensor(importance), count, torch.tensor(sizes))
    assert found.tolist() == one_by_one(importance, count, sizes)


def test_tiles_of_no_importance_get_what_is_left():
    assert tile_quotas(torch.tensor([1.0, 0.0, 0.0]), 7, torch.tensor([3, 9, 9])).tolist() == [3, 2, 2]
    near(torch.from_numpy(ps.allocate([1.0, 1.0], 5, 1, [1, 9])), torch.tensor([1, 4]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_types_and_devices(dtype):
    features = gauss(6, 3).to(dtype)
    assert max_min(features, 4).tolist() == max_min(features.double(), 4).tolist()
    assert dpp(features.requires_grad_(), 4).tolist() == dpp(features.detach().double(), 4).tolist()
    assert top_k(features[:, 0], 2).device == features.device


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: top_k(torch.ones(3), 4), "count must be a whole number from 0 to 3, got 4"),
        (lambda: top_k(torch.tensor([1.0, torch.nan]), 1), "none of them NaN"),
        (lambda: top_k(torch.tensor(1.0), 1), "scores must be numbers"),
        (lambda: max_min(torch.ones(3), 1), r"features must be finite floats of shape \(n, d\), got \(3,\) float32"),
        (lambda: max_min(torch.full((3, 1), torch.inf), 1), "features must be finite"),
        (lambda: max_min(torch.ones(3, 1), 2, torch.ones(2)), r"weights must be .* \(3,\), got \(2,\)"),
        (lambda: max_min(torch.ones(3, 1), 2, None, torch.tensor([0, 0])), "seeds must be different indices"),
        (lambda: max_min(torch.ones(3, 1), 2, None, torch.tensor([3])), "from 0 to 2"),
        (lambda: max_min(torch.ones(3, 1), 0, None, torch.tensor([1])), "at most count = 0"),
        (lambda: max_min(torch.ones(3, 1), 1, None, torch.tensor([1.0])), "seeds must be indices"),
        (lambda: dpp(torch.ones(3, 1), 1, -torch.ones(3)), "relevance must be finite and not negative"),
        (lambda: dpp(torch.ones(3, 1), -1), "count must be a whole number from 0 to 3, got -1"),
        (lambda: top_k_per_tile(torch.ones(3), torch.tensor([0, 1]), 1), "tiles must be whole numbers"),
        (lambda: top_k_per_tile(torch.ones(2), torch.tensor([0, 2]), 1, torch.ones(2)), "tiles must lie from 0 to 1"),
        (lambda: tile_quotas(torch.ones(2), 5, torch.tensor([2, 2])), "budget must be a whole number from 0 to 4"),
        (lambda: ps.allocate([1.0, 1.0], 2, 1, [1, 0]), "maximum must lie from 1"),
        (lambda: ps.allocate([1.0, 1.0], 2, 1, [1, 2, 3]), r"of shape \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
