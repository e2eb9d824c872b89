import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import grating, noise, photo
from pyrascope.methods import Frequency, method_from

WEIGHTS = (1, 0.5, 0.25, 0.125)


def by_level(plan):
    return {int(level): len(tokens) for (level, _), tokens in plan.by_level().items()}


def test_without_options_the_name_and_the_partition_stay():
    assert repr(Frequency()) == "Frequency()"
    assert ps.plan(photo(), 100, Frequency()).is_partition
    for method in (Frequency(weights=WEIGHTS), Frequency(thresholds=(0.1, 0.05))):
        assert method_from(repr(method)) == method
    assert repr(Frequency(thresholds=(1, 0))) == "Frequency(thresholds=(1.0, 0.0))"


def test_each_band_has_its_share_of_the_laplacian_loss():
    image = photo()
    bands = ps.laplacian_pyramid(image, levels=5)[:4]
    loss = np.array([weight * float(band.abs().mean()) for weight, band in zip(WEIGHTS, bands, strict=True)])
    expected = dict(enumerate(ps.allocate(loss, 60, minimum=0).tolist()))
    assert by_level(ps.plan(image, 60, Frequency(weights=WEIGHTS))) == {k: n for k, n in expected.items() if n}


def test_the_cells_of_a_band_are_those_with_its_most_energy():
    image = torch.full((1, 256, 256), 0.5)
    image[:, :64, :64] += 0.4 * grating((64, 64), 0.4)
    image[:, 128:, 128:] += 0.4 * grating((128, 128), 0.12)
    plan = ps.plan(image, 30, Frequency(weights=(1, 1)))
    y, x = plan.boxes[:, 0], plan.boxes[:, 1]
    fine = plan.levels[:, 0] == 0
    assert (np.maximum(y, x)[fine] < 80).mean() > 0.5
    assert (np.minimum(y, x)[~fine] >= 96).all()


def test_thresholds_give_400_144_or_64_tokens_a_region():
    image = torch.full((1, 320, 960), 0.5)
    image[:, :, :320] += 0.4 * grating((320, 320), 0.45)
    image[:, :, 320:640] += 0.3 * grating((320, 320), 0.15)
    bands = [band.abs() for band in ps.laplacian_pyramid(image, levels=3)[:2]]
    high, middle = float(bands[0][..., :320].mean()) * 0.9, float(bands[1][..., 160:320].mean()) * 0.9
    assert high > middle
    plan = ps.plan(image, None, Frequency(thresholds=(high, middle)))
    counts = [int(((plan.boxes[:, 1] >= x) & (plan.boxes[:, 1] < x + 320)).sum()) for x in (0, 320, 640)]
    assert counts == [400, 144, 64]
    half = ps.plan(image, 304, Frequency(thresholds=(high, middle)))
    counts = [int(((half.boxes[:, 1] >= x) & (half.boxes[:, 1] < x + 320)).sum()) for x in (0, 320, 640)]
    assert sum(counts) == 304
    assert counts[0] > counts[1] > counts[2]


def test_budgets_are_exact_with_options_too():
    for method in (Frequency(weights=WEIGHTS), Frequency(weights=(0, 1)), Frequency(thresholds=(0.1, 0.05))):
        for budget in (1, 2, 9, 23, 24):
            assert ps.plan(noise(3, 60, 95), budget, method).tokens == budget
        assert sum(plan.tokens for plan in ps.plan([noise(1, 30, 40), noise(3, 60, 95)], 11, method)) == 11


@pytest.mark.parametrize(
    "options",
    [{"thresholds": (0.1, 0.2)}, {"thresholds": (0.1,)}, {"thresholds": (1, -1)}, {"thresholds": 0.1},
     {"weights": (0, 0)}, {"weights": ()}, {"weights": (-1,)}, {"weights": (1,), "thresholds": (1, 0)}],
)  # fmt: skip
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"(thresholds|weights) must .*, got"):
        Frequency(**options)
