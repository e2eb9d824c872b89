"""A glance judges the means of areas, not more than it says, and hands on what else is known."""

from dataclasses import dataclass

import pytest
import torch

import pyrascope as ps
from pictures import noise, photo
from pyrascope.allocation.difficulty import Complexity, Glance
from tolerances import near

SEEN = []


@dataclass(frozen=True)
class Witness:
    """Keeps the scenes that it is asked about."""

    def __call__(self, scene):
        SEEN.append(scene)
        return 0.25


def seen_by(glance, scene):
    SEEN.clear()
    assert glance(scene) == 0.25
    (scene,) = SEEN
    return scene


def test_the_view_is_the_mean_of_areas():
    image = photo()
    view = seen_by(Glance(of=Witness()), ps.Scene(image)).image
    near(view, image.reshape(3, 128, 4, 128, 6).mean((2, 4)))


@pytest.mark.parametrize("size", [(1, 1), (40, 7), (128, 128)])
def test_small_images_are_seen_as_they_are(size):
    image = noise(3, *size)
    near(seen_by(Glance(of=Witness()), ps.Scene(image)).image, image, "step")
    assert Glance()(ps.Scene(image)) == pytest.approx(Complexity()(ps.Scene(image)), abs=1e-3)


@pytest.mark.parametrize("size", [(1000, 3), (3, 1000), (129, 300)])
def test_no_side_is_longer_than_it_may_be(size):
    view = seen_by(Glance(of=Witness(), side=50), ps.Scene(noise(1, *size))).image
    assert view.shape[-2:] == tuple(min(n, 50) for n in size)


def test_what_is_known_besides_is_handed_on():
    context = ps.Context(question="what colour is the car?", query=torch.ones(3))
    scene = ps.Scene(noise(1, 300, 300), torch.ones(2, 2), context)
    seen = seen_by(Glance(of=Witness()), scene)
    assert seen.context is context
    assert seen.weight is scene.weight


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="side must be a whole number >= 1, got 0"):
        Glance(side=0)
    with pytest.raises(TypeError, match="of must be a measure of difficulty such as Complexity"):
        Glance(of=0.5)
