from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pictures import noise
from pyrascope.evaluation.pictures.gaze import auc_judd, auc_shuffled, fixation_map, nss
from tolerances import near, room

grids = st.tuples(st.integers(1, 6), st.integers(2, 6), st.integers(0, 999), st.integers(2, 9))


def made(height, width, seed, values):
    """A map with ties, fixations on some but not all pixels, and fixations of others."""
    generator = np.random.default_rng(seed)
    saliency = torch.from_numpy(generator.integers(0, values, (height, width)).astype(float))
    fixations = torch.from_numpy(generator.integers(0, 3, (height, width)))
    fixations[0, 0], fixations[-1, -1] = 1, 0
    others = torch.from_numpy(generator.integers(0, 3, (height, width)))
    others[0, 0] = 2
    return saliency, fixations, others


@given(grids)
def test_nss_by_its_definition(grid):
    saliency, fixations, _ = made(*grid)
    values, at = saliency.numpy(), fixations.numpy() > 0
    expected = 0.0 if values.std() == 0 else ((values - values.mean()) / values.std())[at].mean()
    near(nss(saliency, fixations), expected, size=1)
    near(nss(3 * saliency + 5, fixations), expected, "transform", size=1)  # + 5 takes bits away


@given(grids)
def test_auc_judd_by_all_pairs(grid):
    saliency, fixations, _ = made(*grid)
    positive, negative = saliency[fixations > 0].tolist(), saliency[fixations == 0].tolist()
    wins = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    near(auc_judd(saliency, fixations), np.mean(wins), "step")
    near(auc_judd(saliency.exp(), fixations), np.mean(wins), "step")


@pytest.mark.parametrize("seed", range(5))
def test_auc_judd_against_thresholds_at_the_fixated_values(seed):
    """The procedure of the source, on maps without ties: larger by 1 / (2 n) at most."""
    _, fixations, _ = made(8, 9, seed, 5)
    saliency, count = noise(8, 9, dtype=torch.float64, seed=seed), int((fixations > 0).sum())
    curve = [(0.0, 0.0)]
    for i, t in enumerate(sorted(saliency[fixations > 0].tolist(), reverse=True), 1):
        above = int((saliency >= t).sum())
        curve.append(((above - i) / (72 - count), i / count))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise([*curve, (1.0, 1.0)]))
    assert -room() <= area - auc_judd(saliency, fixations) <= 0.5 / count + room()


@given(grids)
def test_auc_shuffled_by_all_pairs(grid):
    saliency, fixations, others = made(*grid)
    positive = saliency[fixations > 0].tolist()
    negative = [
        s for s, n in zip(saliency.flatten().tolist(), others.flatten().tolist(), strict=True) for _ in range(n)
    ]
    wins = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    near(auc_shuffled(saliency, fixations, others), np.mean(wins), "step")


def test_auc_judd_is_the_mean_of_noise_on_ties():
    saliency, fixations, _ = made(30, 40, 0, 4)
    jittered = [auc_judd(saliency + 1e-6 * noise(30, 40, dtype=torch.float64, seed=k), fixations) for k in range(60)]
    assert np.mean(jittered) == pytest.approx(auc_judd(saliency, fixations), abs=3e-3)


def test_auc_shuffled_is_the_mean_of_random_draws():
    saliency, fixations, others = made(12, 15, 3, 50)
    generator = np.random.default_rng(0)
    pool = saliency.flatten().repeat_interleave(others.flatten()).numpy()
    positive = saliency[fixations > 0].numpy()
    draws = []
    for _ in range(400):
        negative = generator.choice(pool, len(positive), replace=False)
        draws.append(np.mean((positive[:, None] > negative) + (positive[:, None] == negative) / 2))
    assert auc_shuffled(saliency, fixations, others) == pytest.approx(np.mean(draws), abs=5e-3)


def test_a_map_of_the_fixations_is_best_and_a_constant_is_chance():
    _, fixations, others = made(20, 30, 1, 5)
    best, flat = (fixations > 0).double(), torch.full((20, 30), 0.1)
    assert auc_judd(best, fixations) == 1
    assert auc_judd(1 - best, fixations) == 0
    assert [nss(flat, fixations), auc_judd(flat, fixations), auc_shuffled(flat, fixations, others)] == [0, 0.5, 0.5]
    assert nss(best, fixations) > 0 > nss(-best, fixations)
    assert auc_shuffled(best, fixations, fixations) == 0.5


def test_the_centre_wins_by_judd_but_not_shuffled():
    """All images share the bias to the centre, so shuffled AUC does not reward it."""
    generator = np.random.default_rng(0)
    points = [np.clip(generator.normal((30, 40), 8, (100, 2)), 0, 59.9) for _ in range(12)]
    counts = torch.stack([fixation_map(some, (60, 80)) for some in points])
    y, x = torch.meshgrid(torch.arange(60.0) - 29.5, torch.arange(80.0) - 39.5, indexing="ij")
    centre = torch.exp(-(y**2 + x**2) / 200)
    found = [(auc_judd(centre, mine), auc_shuffled(centre, mine, counts.sum(0) - mine)) for mine in counts]
    judd, shuffled = np.mean(found, 0)
    assert judd > 0.9
    assert shuffled == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda m, f: fixation_map([(2.0, 0.0)], (2, 3)), r"points must lie within the 2x3 image, got \[2.0, 0.0\]"),
        (lambda m, f: nss(m, torch.zeros_like(f)), "at least one fixation"),
        (lambda m, f: nss(m, f[:1]), "fixations must be counts of the map's shape"),
        (lambda m, f: nss(m * torch.nan, f), "saliency must be a finite map"),
        (lambda m, f: auc_judd(m, torch.ones_like(f)), "fixations must leave a pixel out"),
        (lambda m, f: auc_shuffled(m, f, torch.zeros_like(f)), "others must be counts"),
    ],
)
def test_what_does_not_fit_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call(noise(2, 3), torch.tensor([[0, 1, 0], [0, 0, 2]]))


def test_no_fixations_are_an_empty_map():
    assert fixation_map([], (2, 2)).sum() == 0
