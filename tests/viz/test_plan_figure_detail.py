"""What a plan's figure shows beside its boxes, on a picture that is not square: the detail, and each number."""

import numpy as np
import pytest

import pyrascope as ps
from pictures import noise
from pyrascope.viz import plan_figure

SIZE = (64, 160)
DETAIL = (48, 0, 64, 40)


@pytest.fixture(scope="module")
def drawn():
    """A picture, a plan with most of its tokens in the lower left corner, and its figure."""
    image = noise(3, *SIZE)
    corner = [[y, x, y + 1, x + 1] for y in (48, 63) for x in (0, 20, 39)]
    boxes = [[0, 0, 64, 160], *corner]
    plan = ps.Plan(boxes, [[2, 3]] + [[0, 0]] * 6, [0] * 7, SIZE, 8, "by hand")
    return image, plan, plan_figure(image, plan)


def test_the_detail_is_where_the_most_tokens_are(drawn):
    image, _, figure = drawn
    top, left, bottom, right = DETAIL
    (line,) = figure.axes[0].lines
    assert line.get_xdata().tolist() == [left, right, right, left, left]
    assert line.get_ydata().tolist() == [top, top, bottom, bottom, top]
    for axis in figure.axes[3:]:
        assert axis.images[0].get_extent() == [left, right, bottom, top]
    shown = figure.axes[3].images[0].get_array()
    np.testing.assert_array_equal(shown, image[:, top:bottom, left:right].permute(1, 2, 0))
    for whole, detail in zip(figure.axes[1:3], figure.axes[4:], strict=True):
        whole, detail = (axis.images[0].get_array() for axis in (whole, detail))
        np.testing.assert_array_equal(detail, whole[top:bottom, left:right])


def test_the_numbers_are_those_of_what_is_shown(drawn):
    image, plan, figure = drawn
    small = ps.plan(image, 7, ps.methods.Resize(), 8)
    for axis, one in zip(figure.axes[1:3], (plan, small), strict=True):
        seen = ps.render(one, ps.gather(image, one))
        error = (seen.clamp(0, 1) - image).square().mean()
        assert axis.get_title(loc="right") == f"{-10 * error.log10():.1f} dB"
    assert figure.get_suptitle() == "by hand   64x160 px, cell 8"


def test_fine_boxes_are_drawn_bright_and_thin_over_coarse_ones(drawn):
    _, _, figure = drawn
    (boxes,) = figure.axes[0].collections
    brightness = boxes.get_edgecolors()[:, :3].sum(1)
    assert boxes.get_paths()[0].get_extents().extents.tolist() == [0, 0, 160, 64]
    assert (brightness[1:] > brightness[0]).all()
    assert (np.asarray(boxes.get_linewidths())[1:] < boxes.get_linewidths()[0]).all()
