"""Figures: drawn for any plan and pyramid, with the boxes that the plan has, and no state left behind."""

import dataclasses
import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from PIL import Image

import pyrascope as ps
from pictures import noise
from pyrascope.methods.named import UNAIDED
from pyrascope.viz import plan_figure, pyramid_figure
from tolerances import near, room

DOTS = 40


def saved(figure, dpi=DOTS):
    """The figure as an array (h, w, 3), after a check of its size."""
    file = io.BytesIO()
    figure.savefig(file, dpi=dpi, format="png")
    with Image.open(file) as image:
        expected = [int(side * dpi) for side in figure.get_size_inches()]
        assert np.abs(np.subtract(image.size, expected)).max() <= 1
        drawn = np.asarray(image.convert("RGB"))
    assert drawn.std() > 0, "the picture is empty"
    return drawn


def rectangles(figure):
    """The boxes (n, 4) that are drawn, y0 x0 y1 x1, sorted."""
    (drawn,) = (artist for artist in figure.axes[0].collections if isinstance(artist, PolyCollection))
    corners = [path.vertices for path in drawn.get_paths()]
    assert all(len(np.unique(each, axis=0)) == 4 for each in corners)
    boxes = np.array([[*each.min(0)[::-1], *each.max(0)[::-1]] for each in corners])
    return boxes[np.lexsort(boxes.T)]


def titles(figure, loc="left"):
    return [axis.get_title(loc=loc) for axis in figure.axes]


def by_hand(boxes, size=(32, 32)):
    n = len(boxes)
    return ps.Plan(boxes, [[0, 0]] * n, [0] * n, size, 16, "by hand")


def checked(image, plan, draw=False, **options):
    figure = plan_figure(image, plan, **options)
    np.testing.assert_array_equal(rectangles(figure), plan.boxes[np.lexsort(plan.boxes.T)])
    count = 2 + options.get("compare", True)
    assert len(figure.axes) == 2 * count
    first, second, *third = titles(figure)[:count]
    assert first == "where the tokens go"
    assert second.startswith(f"{plan.tokens} tokens")
    assert (" % of the image" in second) == (plan.coverage < 1)
    assert all(title.startswith("plain resize, ") for title in third)
    notes = titles(figure, "right")[1:count]
    assert all(note == "exact" or float(note.removesuffix(" dB")) > 0 for note in notes)
    assert plan.method in " ".join(figure.get_suptitle().split())
    for axis in figure.axes[:1]:
        assert axis.get_xlim() == (0, plan.image_size[1])
        assert axis.get_ylim() == (plan.image_size[0], 0)
    if draw:
        saved(figure)
    return figure


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 500)])
@pytest.mark.parametrize("channels", [1, 4])
def test_plans_of_any_size_are_drawn(size, channels):
    image = noise(channels, *size)
    checked(image, ps.plan(image, min(3, -(-max(size) // 8)), cell=8), draw=True)


@pytest.mark.parametrize("kind", UNAIDED.values())
@pytest.mark.parametrize("budget", [1, 7])
def test_plans_of_all_methods_are_drawn(kind, budget):
    image = noise(3, 64, 96)
    checked(image, ps.plan(image, budget, kind()))


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_constant_images_lose_nothing(value):
    image = torch.full((3, 32, 48), float(value))
    figure = checked(image, ps.plan(image, 2))
    assert all(note == "exact" or float(note.removesuffix(" dB")) > 130 for note in titles(figure, "right")[1:3])


@pytest.mark.parametrize(
    "boxes",
    [
        [[0, 0, 32, 32], [8, 8, 16, 16]],
        [[0, 0, 5, 7]],
        [[0.5, 1 / 3, 8, 30.25], [3, 3, 4, 4]],
        [[4 * k, 0, 4 * k + 4, 32] for k in range(8)],
        [[0, 0, 32, 32]] * 6,
    ],
    ids=["nested", "a corner", "off the grid", "more tokens than cells", "all alike"],
)
@pytest.mark.parametrize("compare", [True, False])
def test_plans_that_are_no_partition_are_drawn(boxes, compare):
    checked(noise(3, 32, 32), by_hand(boxes), draw=True, compare=compare)


@pytest.mark.parametrize(
    "image",
    [
        noise(20, 30).numpy(),
        noise(20, 30, 3).numpy().astype(np.float64),
        (noise(20, 30, 3) * 255).numpy().astype(np.uint8),
        noise(3, 20, 30).to(torch.bfloat16),
        noise(3, 20, 30).requires_grad_(),
        Image.new("P", (30, 20)),
    ],
    ids=["grey", "float64", "uint8", "bfloat16", "gradient", "palette"],
)
def test_any_kind_of_image_is_drawn(image):
    checked(image, ps.plan(image, 4, cell=8))


def test_the_resize_has_as_many_tokens_as_it_says():
    image = noise(1, 64, 96)
    plan = ps.plan(image, 7)
    small = ps.plan(image, 7, ps.methods.Resize())
    assert titles(plan_figure(image, plan))[2] == f"plain resize, {small.tokens} tokens"
    own = ps.plan(image, 3, ps.methods.Uniform())
    assert titles(plan_figure(image, plan, compare=own))[2] == "plain resize, 3 tokens"


def test_places_without_a_box_are_told():
    plan = by_hand([[0, 0, 16, 16], [16, 16, 32, 32]])
    assert titles(plan_figure(noise(3, 32, 32), plan))[1] == "2 tokens on 50 % of the image"
    almost = by_hand([[0, 0, 3199, 32]], (3200, 32))
    assert titles(plan_figure(noise(1, 3200, 32), almost))[1] == "1 tokens on 99 % of the image"


def test_a_long_name_is_wrapped_within_the_figure():
    plan = dataclasses.replace(by_hand([[0, 0, 16, 16]]), method="Long(" + "option=0.125, " * 40 + ")")
    figure = plan_figure(noise(3, 32, 32), plan)
    saved(figure)
    inside = figure._suptitle.get_window_extent().width
    assert inside <= figure.get_size_inches()[0] * figure.dpi


def test_values_outside_0_and_1_are_clipped():
    image = noise(3, 32, 32) * 3 - 1
    checked(image, ps.plan(image, 2))


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match="image must be 32x48 px as its plan, got 48x32; make a plan for this image"):
        plan_figure(noise(3, 48, 32), ps.plan(noise(3, 32, 48), 2))


# --- pyramids ---

KINDS = [(ps.gaussian_pyramid, False), (ps.laplacian_pyramid, True)]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 30), (33, 47)])
@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize(("pyramid", "bands"), KINDS)
def test_pyramids_of_any_size_are_drawn(size, channels, pyramid, bands):
    levels = pyramid(noise(channels, *size), 3)
    figure = pyramid_figure(levels, bands=bands, title="a title")
    (axis,) = figure.axes
    names = ["0", "1", "low-pass" if bands else "2"]
    sizes = [f"{level.shape[1]}x{level.shape[2]}" for level in levels]
    written = [text.get_text().split() for text in axis.texts]
    assert [words[:2] for words in written] == [list(pair) for pair in zip(names, sizes, strict=True)]
    for number, words in enumerate(written):
        assert [word[0] for word in words[2:]] == (["±"] if bands and number < 2 else [])
    for level, picture in zip(levels, axis.images, strict=True):
        left, right, bottom, top = picture.get_extent()
        near((bottom - top, right - left), tuple(level.shape[1:]), "step")
        assert 0 <= left < right <= axis.get_xlim()[1] + room(max(axis.get_xlim()))
        assert 0 <= top < bottom <= axis.get_ylim()[0] + room(max(axis.get_ylim()))
    assert figure.get_suptitle().startswith("a title")
    assert ("grey is 0" in figure.get_suptitle()) == bands
    saved(figure, dpi=20)


@pytest.mark.parametrize("levels", [1, 5])
@pytest.mark.parametrize(("pyramid", "bands"), KINDS)
def test_constant_pyramids_are_drawn(pyramid, bands, levels):
    figure = pyramid_figure(pyramid(torch.full((3, 20, 30), 0.25), levels), bands=bands)
    for number, picture in enumerate(figure.axes[0].images):
        expected = 0.5 if bands and number < levels - 1 else 0.25
        near(picture.get_array(), np.full_like(picture.get_array(), expected), "step")


@pytest.mark.parametrize("size", [(4000, 20), (20, 4000), (40, 1), (1, 4000)])
def test_long_pictures_fit_on_a_sheet(size):
    """Matplotlib refuses 2**16 pixels a side and takes 4 bytes for each; the command draws at 130 dots an inch."""
    figure = pyramid_figure(ps.gaussian_pyramid(torch.zeros(1, *size)))
    width, height = figure.get_size_inches() * 130
    assert width * height < 40e6, f"{width:.0f}x{height:.0f} pixels"
    box = figure.axes[0].get_position()
    assert min(box.width, box.height) > 0, "no room is left for the picture"


@pytest.mark.parametrize(
    "levels", [[], None, [np.zeros((20, 30))], [torch.zeros(20, 30)]], ids=["empty", "none", "numpy", "2-d"]
)
def test_what_is_no_pyramid_is_refused(levels):
    with pytest.raises((TypeError, ValueError), match="levels must be"):
        pyramid_figure(levels)


# --- state ---


def test_no_global_state_changes():
    before = dict(matplotlib.rcParams)
    image = noise(3, 32, 48)
    saved(plan_figure(image, ps.plan(image, 3)))
    saved(pyramid_figure(ps.gaussian_pyramid(image)))
    assert dict(matplotlib.rcParams) == before


def test_the_image_is_not_altered():
    image = noise(3, 32, 48)
    kept = image.clone()
    saved(plan_figure(image, ps.plan(image, 3)))
    assert torch.equal(image, kept)


def test_pyplot_is_not_imported():
    script = """
import sys, torch, pyrascope as ps
assert "matplotlib" not in sys.modules
image = torch.rand(3, 32, 48)
ps.viz.plan_figure(image, ps.plan(image, 3)).savefig(sys.stdout.buffer, format="png", dpi=20)
ps.viz.pyramid_figure(ps.gaussian_pyramid(image))
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert done.stdout.startswith(b"\x89PNG")
