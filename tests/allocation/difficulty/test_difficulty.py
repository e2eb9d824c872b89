import math

import pytest
import torch

from pictures import noise, photo
from pyrascope.allocation.contracts.allocator import Scene
from pyrascope.allocation.difficulty import Complexity
from pyrascope.allocation.difficulty.difficulty import NOISE_GAIN, Parts, attention_entropy, complexity, parts, weighted
from pyrascope.signal.filters import reduce
from pyrascope.signal.laplacian import laplacian_pyramid
from tolerances import near


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (30, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_constants_are_easy(size, channels):
    assert complexity(torch.full((channels, *size), 0.1)) == 0.0


@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_is_hard_in_every_part(channels):
    image = noise(channels, 256, 256)
    energy, entropy, edges = parts(image)
    assert energy == pytest.approx(1, abs=0.02)
    assert entropy > 0.99
    assert edges > 0.9
    assert 0.95 < complexity(image) <= 1


def test_gain_of_the_finest_band():
    """The variance of the finest band of white noise of variance 1, from the band of each pixel of one period."""
    total = 0.0
    for y in (32, 33):
        for x in (32, 33):
            impulse = torch.zeros(64, 64, dtype=torch.float64)
            impulse[y, x] = 1
            total += float(laplacian_pyramid(impulse, levels=2)[0].square().sum()) / 4
    near(total, NOISE_GAIN, "step")


def test_blur_and_fade_make_it_easier():
    image = photo()
    faded, blurred = image / 4, reduce(image)
    assert complexity(faded) < complexity(image)
    assert parts(blurred).edges != parts(image).edges
    assert 0 < complexity(image) < 1


def test_it_never_falls_where_a_part_rises():
    base = Parts(0.3, 0.5, 0.2)
    for name in base._fields:
        assert weighted(base._replace(**{name: 0.9}), (1.0, 2.0, 0.5)) > weighted(base, (1.0, 2.0, 0.5))


def test_entropy_by_hand():
    image = torch.tensor([0.1, 0.1, 0.5, 0.9]).reshape(1, 2, 2)
    near(parts(image).entropy, (0.5 * math.log(2) + 0.5 * math.log(4)) / math.log(4), "step")


def test_edges_are_counted_above_five_percent_a_pixel():
    ramp = torch.arange(10.0)[:, None].expand(10, 8)
    assert parts(ramp[None] * 0.04).edges == 0
    assert parts(ramp[None] * 0.06).edges == 0.8  # all but the first and last row, where the slope is halved


def test_weights_choose_parts():
    scene = Scene(noise(3, 40, 40))
    near(Complexity((0.0, 1.0, 0.0))(scene), parts(scene.image).entropy, "step")
    assert Complexity()(scene) == complexity(scene.image)
    for weights in ((0.0, 0.0, 0.0), (1.0, -1.0, 1.0), (1.0, 1.0), (math.nan, 1.0, 1.0)):
        with pytest.raises(ValueError, match="weights must be"):
            Complexity(weights)


def test_attention_entropy_at_its_ends():
    features = torch.zeros(3, 4, 2)
    query = torch.tensor([1.0, 0.0])
    near(attention_entropy(features, query), torch.tensor(1.0))
    features[1, 2, 0] = 1e4
    near(attention_entropy(features, query), torch.tensor(0.0), "step")
    assert attention_entropy(features[:1, :1], query).item() == 0


def test_attention_entropy_of_two_cells_by_hand():
    p = 1 / (1 + math.exp(-2))
    expected = -(p * math.log2(p) + (1 - p) * math.log2(1 - p))
    found = attention_entropy(torch.tensor([[[0.0], [2.0]]]), torch.tensor([1.0]))
    near(found.float(), expected)


def test_attention_entropy_of_blocks_is_that_of_each_block_alone():
    features, query = noise(5, 7, 4) * 4, noise(4, seed=1) * 4
    found = attention_entropy(features, query, block=3)
    assert found.shape == (2, 3)
    for row in range(2):
        for column in range(3):
            part = features[row * 3 : row * 3 + 3, column * 3 : column * 3 + 3]
            near(found[row, column], attention_entropy(part, query), "step")
    assert bool(attention_entropy(features * 1e4, query, block=2).isfinite().all())
