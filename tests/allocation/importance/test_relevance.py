from dataclasses import replace

import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.importance import BandEnergy, Information, Learned, RelevanceRealization, Saliency
from pyrascope.allocation.importance.relevance import WAYS, Coupling, fitted
from tolerances import near

QUERY = Context(attention=noise(4, 5, seed=7) ** 4)
SCENE = Scene(noise(3, 64, 80), context=QUERY)
PARTS = (Information(), Saliency(), Coupling(), Learned())


def test_it_is_the_weighted_mean_of_four_maps():
    weights = (0.1, 0.2, 0.3, 0.4)
    expected = sum(weight * part(SCENE, 16) for weight, part in zip(weights, PARTS, strict=True))
    near(RelevanceRealization(weights=weights)(SCENE, 16), expected, "step")


@pytest.mark.parametrize("way", WAYS)
def test_each_way_can_be_left_out_in_one_line(way):
    whole = RelevanceRealization()
    without = replace(whole, **{way: None})
    left = [part(SCENE, 16) for name, part in zip(WAYS, PARTS, strict=True) if name != way]
    near(without(SCENE, 16), torch.stack(left).mean(0), "step")
    assert not torch.allclose(without(SCENE, 16), whole(SCENE, 16), rtol=0.01)


def test_nothing_left_is_no_preference():
    none = RelevanceRealization(None, None, None, None)
    assert bool((none(SCENE, 16) == 1).all())


def test_the_participatory_way_follows_the_query_and_is_silent_without():
    other = Scene(SCENE.image, context=Context(attention=noise(4, 5, seed=8) ** 4))
    relevance = RelevanceRealization()
    assert not torch.allclose(relevance(SCENE, 16), relevance(other, 16), rtol=0.01)
    assert bool((Coupling()(Scene(SCENE.image), 16) == 1).all())


def test_weights_are_learnt_from_outcomes():
    scenes = [Scene(noise(3, 64, 64, seed=s), context=Context(attention=noise(4, 4, seed=s + 5))) for s in range(5)]
    outcomes = [(scene, 0.6 * Coupling()(scene, 16) + 0.4 * Information()(scene, 16)) for scene in scenes]
    found = fitted(RelevanceRealization(procedural=BandEnergy(levels=1)), outcomes)
    near(found.weights, [0.4, 0, 0.6, 0])
    without = fitted(RelevanceRealization(participatory=None, procedural=None), outcomes)
    assert without.weights[2:] == (0.0, 0.0)


def test_options_are_checked():
    with pytest.raises(ValueError, match="weights must be"):
        RelevanceRealization(weights=(1.0, 1.0, 1.0))
    with pytest.raises(TypeError, match="maps must be"):
        RelevanceRealization(perspectival=Saliency)
