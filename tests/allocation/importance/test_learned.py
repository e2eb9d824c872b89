import numpy as np
import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.importance import (
    Attention,
    BandEnergy,
    Fixation,
    Learned,
    SpectralResidual,
    fit_weights,
    learned,
)
from pyrascope.allocation.importance.importance import normalised
from tolerances import near


def samples(count, maps, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(int(rng.integers(2, 6)), int(rng.integers(2, 6))) for _ in range(count)]
    return [([normalised(torch.from_numpy(rng.random(s) ** 3)) for _ in range(maps)], s) for s in shapes]


def test_weights_that_made_the_outcome_are_found():
    made = [(maps, 0.5 * maps[0] + 0.2 * maps[2] + 0.3) for maps, _ in samples(6, 3)]
    weights, floor = fit_weights(made)
    near([*weights, floor], [0.5, 0.0, 0.2, 0.3])


def loss(data, weights):
    return sum(
        float((sum(w * m for w, m in zip(weights, [*maps, 1.0], strict=True)) - normalised(out)).square().mean())
        for maps, out in data
    )


@pytest.mark.parametrize("seed", range(5))
def test_no_other_non_negative_weights_do_better(seed):
    """The optimum, up to its scale, against 200 others around it."""
    data = [(maps, noise(*shape, seed=seed) ** 2) for maps, shape in samples(5, 3, seed)]
    weights, floor = fit_weights(data)
    found = np.array([*weights, floor])
    assert (found >= 0).all()
    near(found.sum(), 1, "step")
    rng = np.random.default_rng(seed)
    best = min(loss(data, found * scale) for scale in np.linspace(0.9, 1.1, 41))
    for _ in range(200):
        other = np.maximum(found + rng.normal(0, 0.05, 4), 0)
        assert loss(data, other) > best - 1e-3


def test_outcomes_that_no_map_helps_leave_the_floor():
    against = torch.tensor([[2.0, 0.0]])
    assert fit_weights([([against], torch.tensor([[0.0, 1.0]]))]) == ((0.0,), 1.0)


def test_learned_fits_scenes_and_is_rebuilt_by_its_repr():
    scenes = [Scene(noise(1, 48, 64, seed=s), context=Context(attention=noise(3, 4, seed=s + 9))) for s in range(4)]
    outcomes = [(scene, Attention()(scene, 16) * 0.7 + BandEnergy()(scene, 16) * 0.3) for scene in scenes]
    found = learned((BandEnergy(), Attention(), Fixation()), outcomes)
    near([*found.weights, found.floor], [0.3, 0.7, 0, 0])
    names = {"Learned": Learned, "BandEnergy": BandEnergy, "Attention": Attention, "Fixation": Fixation}
    assert eval(repr(found), names) == found


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [([], torch.ones(1, 2))],
        [([torch.ones(1, 2)], torch.ones(2, 2))],
        [([torch.ones(1, 2)] * 13, torch.ones(1, 2))],
    ],
)
def test_bad_samples_are_refused(bad):
    with pytest.raises(ValueError, match="samples must be pairs"):
        fit_weights(bad)


def test_options_are_checked():
    with pytest.raises(ValueError, match="weights must be"):
        Learned((SpectralResidual(),), (1.0, 1.0))
