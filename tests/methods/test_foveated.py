import numpy as np
import pytest
import torch

import pyrascope as ps
from pictures import noise, photo
from pyrascope.allocation.importance import Fixation, RelevanceRealization
from pyrascope.methods import Foveated


def eccentricity_and_side(plan, *fixations):
    centres = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
    distance = np.min([np.hypot(*(centres - point).T) for point in fixations], axis=0)
    return distance, np.sqrt((plan.boxes[:, 2:] - plan.boxes[:, :2]).prod(1))


@pytest.mark.parametrize("e0", [24.0, 100.0])
@pytest.mark.parametrize("fixation", [(512, 512), (200, 700)])
def test_the_side_of_a_box_follows_the_inverse_of_cortical_magnification(e0, fixation):
    method = Foveated(Fixation(e0=e0, pixels_per_degree=1.0))
    plan = ps.plan(torch.zeros(1, 1024, 1024), 800, method, cell=4, context=ps.Context(fixation=fixation))
    distance, side = eccentricity_and_side(plan, fixation)
    free = side > 4  # native cells cannot be finer
    x, y = np.log(distance[free] + e0), np.log(side[free])
    slope = np.polyfit(x, y, 1)[0]
    assert abs(slope - 1) < 0.03, slope
    assert np.corrcoef(x, y)[0, 1] > 0.95


def test_density_falls_with_eccentricity_around_each_of_several_fixations():
    points = [(100, 100), (400, 650)]
    plan = ps.plan(photo(), 200, Foveated(), context=ps.Context(fixation=points))
    y, x = np.mgrid[0:512:4, 0:768:4] + 2
    distance = np.min([np.hypot(y - a, x - b) for a, b in points], axis=0)
    token, _ = eccentricity_and_side(plan, *points)
    edges = [0, 50, 100, 200, 300]
    density = np.histogram(token, edges)[0] / np.histogram(distance, edges)[0]
    assert (np.diff(density) < 0).all(), density
    assert density[0] > 5 * density[-1]


def test_two_queries_are_looked_at_in_two_places():
    image = noise(3, 256, 256)
    features = torch.zeros(16, 16, 4)
    features[3, 3, 1] = features[12, 10, 2] = 1
    for axis, place in ((1, (56, 56)), (2, (200, 168))):
        plan = ps.plan(image, 60, Foveated(), context=ps.Context(features=features, query=torch.eye(4)[axis]))
        distance, side = eccentricity_and_side(plan, place)
        assert side[distance < 24].max() == 16
        assert side[distance > 120].min() >= 32


def test_without_context_the_most_salient_place_is_looked_at():
    image = torch.full((3, 256, 256), 0.5)
    image[:, 180:200, 40:60] = noise(3, 20, 20)
    distance, side = eccentricity_and_side(ps.plan(image, 40, Foveated()), (190, 50))
    assert distance[side == 16].max() < 90
    one, two = (ps.plan(photo(), 100, Foveated(Fixation(count=n))) for n in (1, 2))
    assert not np.array_equal(one.boxes, two.boxes)


def test_with_content_boxes_follow_both_the_picture_and_the_gaze():
    context = ps.Context(fixation=(256, 100))
    content = ps.plan(photo(), 200, Foveated(content=True), context=context)
    other = ps.plan(photo(), 200, Foveated(content=True), context=ps.Context(fixation=(256, 700)))
    assert not np.array_equal(content.boxes, ps.plan(photo(), 200, Foveated(), context=context).boxes)
    plans = content, ps.plan(photo(), 200), other
    near = [np.sum(eccentricity_and_side(plan, (256, 100))[0] < 120) for plan in plans]
    assert near[0] > near[1] > near[2]


def test_a_map_multiplies():
    plain, weighted = (
        ps.plan(photo(), 100, Foveated(weight=weight), context=ps.Context(fixation=(256, 384)))
        for weight in (None, RelevanceRealization())
    )
    assert weighted.tokens == 100
    assert not np.array_equal(plain.boxes, weighted.boxes)


@pytest.mark.parametrize("options", [{"gaze": None}, {"content": 1}, {"weight": RelevanceRealization}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"(gaze|content|weight) must be .*, got"):
        Foveated(**options)


def test_a_row_that_the_border_cuts_to_a_pixel_holds_little():
    plan = ps.plan(torch.zeros(1, 17, 64), 3, Foveated(), 16, context=ps.Context(fixation=(8, 32)))
    assert plan.boxes.tolist() == [[0, 0, 17, 16], [0, 16, 17, 32], [0, 32, 17, 64]]
