"""The difficulty network and its training: range, sizes, queries, determinism, and that it learns what it is shown."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictures import noise
from pyrascope.learning.nn.difficulty import DifficultyEstimator, train_difficulty
from tolerances import near


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 130), st.integers(1, 130), st.sampled_from([torch.float32, torch.float64]))
def test_one_number_in_the_unit_interval_a_view(b, h, w, dtype):
    estimator = DifficultyEstimator(generator=generator()).to(dtype)
    views = noise(b, 1, h, w, dtype=dtype)
    found = estimator(views)
    assert found.shape == (b,)
    assert found.dtype == dtype
    assert ((found >= 0) & (found <= 1)).all()
    for view, one in zip(views, found, strict=True):
        near(estimator(view[None])[0], one)


def test_a_new_query_has_no_influence_and_a_trained_one_has():
    estimator = DifficultyEstimator(query=3, generator=generator())
    views, query = noise(2, 1, 40, 40), noise(2, 3)
    torch.testing.assert_close(estimator(views, query), estimator(views), rtol=0, atol=0)
    with torch.no_grad():
        estimator.modulation.weight.normal_(generator=generator(1))
    torch.testing.assert_close(estimator(views, torch.zeros(2, 3)), estimator(views), rtol=0, atol=0)
    assert (estimator(views, query) - estimator(views)).abs().min() > 1e-4


def test_it_learns_from_the_query_which_texture_matters():
    """Stripes down or across; hard where the query asks for the direction of the view: each alone says nothing."""
    stripes = (torch.arange(16) % 4 < 2).float().expand(16, 16)
    across, asked = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    query, hard = torch.eye(2)[asked], (asked == across).float()
    estimator = DifficultyEstimator(query=2, generator=generator())
    optimizer = torch.optim.Adam(estimator.parameters(), lr=5e-3)
    for step in range(80):
        clean = torch.where(across[:, None, None] == 1, stripes.T, stripes)[:, None]
        views = clean + 0.2 * noise(4, 1, 16, 16, seed=step)
        loss = torch.nn.functional.binary_cross_entropy(estimator(views, query), hard)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.equal(estimator(views, query).round(), hard)
    assert torch.equal(estimator(views, query.flip(1)).round(), 1 - hard), "the same views, the other question"


def textured(count, chance):
    """Views with coarse or fine blocks; the fine ones lose everything, the label of a middle kind is unclear."""
    kind = torch.randint(3, (count,), generator=chance)
    views = torch.stack(
        [torch.rand(1, n, n, generator=chance).repeat_interleave(32 // n, 1).repeat_interleave(32 // n, 2)
         for n in (4 * 2**kind).tolist()]
    )  # fmt: skip
    return views, kind / 2


@pytest.mark.parametrize("curriculum", [True, False])
def test_training_separates_fine_from_coarse_and_is_deterministic(curriculum):
    views, lost = textured(120, generator(5))
    ease = (lost - 0.5).abs() if curriculum else None
    made = []
    for _ in range(2):
        chance = generator(1)
        estimator = DifficultyEstimator(generator=chance)
        train_difficulty(estimator, views, lost, chance, ease, epochs=12)
        made.append(estimator)
    for one, other in zip(*(estimator.parameters() for estimator in made), strict=True):
        assert torch.equal(one, other)
    views, lost = textured(60, generator(6))
    with torch.no_grad():
        found = made[0](views)
    assert found[lost == 1].min() > found[lost == 0].max()


def test_the_curriculum_shows_the_easy_ones_first():
    views, lost = textured(60, generator(5))
    ease = (lost - 0.5).abs()
    seen = []

    class Watched(DifficultyEstimator):
        def logits(self, views, query=None):
            seen[-1] += len(views)
            return super().logits(views, query)

    seen.append(0)
    train_difficulty(
        Watched(generator=generator()), views, lost, generator(), ease, epochs=9, report=lambda *_: seen.append(0)
    )
    assert seen[:-1] == [20, 30, 40, 50, 60, 60, 60, 60, 60]


def test_wrong_shapes_are_refused():
    estimator = DifficultyEstimator(query=3, generator=generator())
    with pytest.raises(ValueError, match=r"views must be grey images \(b, 1, h, w\), got shape \(2, 3, 8, 8\)"):
        estimator(noise(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"query must have shape \(2, 3\), got \(2, 4\)"):
        estimator(noise(2, 1, 8, 8), noise(2, 4))
    with pytest.raises(ValueError, match=r"query must have shape \(2, 0\), got \(2, 4\)"):
        DifficultyEstimator(generator=generator())(noise(2, 1, 8, 8), noise(2, 4))
    with pytest.raises(ValueError, match="query must be a whole number >= 0, got -1"):
        DifficultyEstimator(query=-1)


def test_the_head_reads_mean_and_maximum_of_the_modulated_features_of_centred_views():
    generator = torch.Generator().manual_seed(0)
    estimator = DifficultyEstimator(query=3, generator=generator)
    views, query = torch.rand(2, 1, 40, 56, generator=generator), torch.rand(2, 3, generator=generator)
    with torch.no_grad():
        estimator.modulation.weight.normal_(generator=generator)
        plain = estimator.features(views - 0.5)
        scale, shift = (query @ estimator.modulation.weight.T).chunk(2, 1)
        turned = plain * (1 + scale[..., None, None]) + shift[..., None, None]
        for features, given in ((plain, None), (turned, query)):
            pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
            near(estimator.logits(views, given), estimator.head(pooled)[:, 0])
