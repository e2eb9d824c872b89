"""What all maps have in common."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from pictures import noise, photo
from pyrascope.allocation import importance
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.importance import (
    Attention,
    BandEnergy,
    Fixation,
    Information,
    Learned,
    Opponent,
    Orientation,
    Product,
    Query,
    RelevanceRealization,
    Saliency,
    SpectralResidual,
    Weighted,
)
from tolerances import near

FREE = [
    BandEnergy(),
    BandEnergy(levels=9),
    Information(),
    Orientation(),
    Orientation(angle=0.3),
    Saliency(),
    SpectralResidual(),
    Learned(),
    RelevanceRealization(),
    Weighted((BandEnergy(), Saliency()), (1.0, 2.0), floor=0.5),
    Product((BandEnergy(), SpectralResidual())),
    Opponent(BandEnergy(), SpectralResidual()),
]
"""Maps of the image alone: without preference on a constant image."""
KNOWING = [Fixation(), Fixation(source="saliency", count=3), Query(), Query(kind="attention"), Attention()]


def names(value):
    return repr(value)


def known(features=(3, 5), width=4):
    return Context(
        query=noise(width, seed=3) - 0.5,
        features=noise(*features, width, seed=4) - 0.5,
        attention=noise(6, 5, seed=5),
    )


@settings(max_examples=6, deadline=None)
@pytest.mark.parametrize("map", FREE + KNOWING, ids=names)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 2, 3, 5]), st.sampled_from([1, 7, 16, 64]))
def test_law(map, height, width, channels, cell):
    image = noise(channels, height, width, seed=height * 100 + width)
    found = map(Scene(image, context=known()), cell)
    assert found.dtype == torch.float64
    assert found.shape == (-(-height // cell), -(-width // cell))
    assert bool(found.isfinite().all())
    assert bool((found >= 0).all())
    near(found.mean(), torch.tensor(1.0, dtype=torch.float64))
    assert torch.equal(found, map(Scene(image.clone(), context=known()), cell))


@pytest.mark.parametrize("map", FREE, ids=names)
@pytest.mark.parametrize("size", [(1, 1), (1, 90), (45, 33), (128, 96)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_constant_image_has_no_preference(map, size, channels):
    image = torch.tensor([0.1, 0.7, 0.3, 0.9])[:channels, None, None].expand(channels, *size)
    assert bool((map(Scene(image), 16) == 1).all())


@pytest.mark.parametrize("map", FREE + KNOWING, ids=names)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_float_types_agree(map, dtype):
    # Values that all types hold exactly.
    image = (noise(3, 64, 80) * 16).round() / 16
    wide, other = (map(Scene(image.to(kind), context=known()), 16) for kind in (torch.float32, dtype))
    assert_close(other, wide, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("map", [Orientation(), Saliency(), SpectralResidual()], ids=names)
@pytest.mark.parametrize("axis", [-1, -2])
def test_mirror_image_has_the_mirrored_map(map, axis):
    """At sizes that halve evenly. (The Laplacian's samples, on every second pixel, are no mirror image there.)"""
    image = photo()[:, 100:356, 200:456]
    assert_close(map(Scene(image.flip(axis)), 16).flip(axis), map(Scene(image), 16), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("map", [one for one in FREE if "Information" not in repr(one)], ids=names)
def test_contrast_does_not_matter(map):
    """Maps say how cells compare, so a third of the contrast on a brighter ground gives the same map."""
    image = photo()[:1, 100:228, 200:328].double()
    near(map(Scene(image / 4 + 0.5), 16), map(Scene(image), 16), "step")


@pytest.mark.parametrize("map", FREE + KNOWING, ids=names)
def test_repr_rebuilds(map):
    again = eval(repr(map), dict(vars(importance), Coupling=importance.relevance.Coupling))
    assert again == map
    assert hash(again) == hash(map)


@pytest.mark.parametrize("map", FREE + KNOWING, ids=names)
def test_gradients_are_left_out(map):
    image = noise(3, 32, 32).requires_grad_()
    assert not map(Scene(image, context=known()), 16).requires_grad


def test_namespace_lists_what_is_there():
    assert [name for name in importance.__all__ if not hasattr(importance, name)] == []
