"""Figures of steerable pyramids, and bands as pictures: what is drawn is what is there, where it says so."""

import io
import math
from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

import pyrascope as ps
from pictures import noise, photo
from pyrascope.viz import pyramid_figure, steerable_figure
from pyrascope.viz.bands import scale_of, shaded, strongest, written
from tolerances import near, room

SIZES = [(1, 1), (1, 40), (40, 1), (33, 47), (64, 20)]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def extents(figure):
    """The boxes of the pictures: y0 x0 y1 x1."""
    return [(top, left, bottom, right) for left, right, bottom, top in (p.get_extent() for p in figure.axes[0].images)]


def overlap(a, b):
    least = room(max(*a, *b))
    return min(a[2], b[2]) - max(a[0], b[0]) > least and min(a[3], b[3]) - max(a[1], b[1]) > least


def assert_nothing_overlaps(figure):
    """Neither pictures nor what is written, as it is drawn; and nothing is outside."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    artists = [*figure.axes[0].images, *figure.axes[0].texts, *figure.texts]
    boxes = [artist.get_window_extent(canvas.get_renderer()) for artist in artists]
    boxes = [(box.y0, box.x0, box.y1, box.x1) for box in boxes]
    for (one, a), (other, b) in combinations(zip(artists, boxes, strict=True), 2):
        assert not overlap(a, b), f"{one} and {other}"
    width, height = figure.bbox.width, figure.bbox.height
    assert all(y0 >= 0 and x0 >= 0 and y1 <= height and x1 <= width for y0, x0, y1, x1 in boxes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("orientations", "options"), [(1, {}), (4, {}), (3, {"complex": True}), (6, {"decimate": False})]
)
def test_all_bands_are_drawn_and_named(size, orientations, options):
    pyramid = ps.steerable_pyramid(noise(3, *size), orientations=orientations, **options)
    figure = steerable_figure(pyramid, title="a title")
    assert figure.get_suptitle().startswith("a title\n")
    levels = pyramid.levels
    assert len(figure.axes[0].images) == levels * orientations + 2
    names = [text.split()[:2] for text in texts(figure)]
    sizes = [f"{band.shape[1]}x{band.shape[2]}" for band, *_ in pyramid.bands]
    degrees = [f"{round(180 * k / orientations, 1):g}°" for k in range(orientations)] if levels else []
    assert [words[0] for words in names if words[0].endswith("°")] == degrees
    highpass, *rest = [words for words in names if not words[0].endswith("°")]
    assert highpass == ["high-pass", "x".join(map(str, size))]
    assert rest[:-1] == [[str(level), shape] for level, shape in enumerate(sizes)]
    assert rest[-1] == ["low-pass", f"{pyramid.lowpass.shape[1]}x{pyramid.lowpass.shape[2]}"]
    figure.savefig(io.BytesIO(), dpi=20)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (64, 20), (96, 144)])
@pytest.mark.parametrize("orientations", [1, 4, 24])
def test_pictures_and_labels_of_steerable_pyramids_do_not_overlap(size, orientations):
    most = ps.steerable_pyramid(torch.zeros(size), orientations=1).levels
    assert_nothing_overlaps(
        steerable_figure(ps.steerable_pyramid(noise(1, *size), min(most, 2), orientations), title="A title")
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 5), (250, 60), (120, 180)])
@pytest.mark.parametrize("bands", [False, True])
def test_pictures_and_labels_of_other_pyramids_do_not_overlap(size, bands):
    make = ps.laplacian_pyramid if bands else ps.mipmap
    assert_nothing_overlaps(pyramid_figure(make(noise(1, *size), 8), bands=bands, title="A title"))


@pytest.mark.parametrize("k", range(8))
def test_the_line_beside_an_angle_is_the_structure_that_excites_its_bands(k):
    """A line is drawn at an angle; where it shows most, the glyph has the direction that the picture has."""
    y, x = (torch.arange(64, dtype=torch.float32) - 31.5 for _ in range(2))
    angle = math.pi * k / 8
    away = x * math.sin(angle) + y[:, None] * math.cos(angle)  # counter-clockwise, rows run down
    image = torch.exp(-(away**2) / 4)[None]
    figure = steerable_figure(ps.steerable_pyramid(image, levels=3, orientations=8))
    axis = figure.axes[0]
    contrast = [np.std(picture.get_array()) for picture in axis.images[1 + 8 : 1 + 16]]  # level 1
    best = int(np.argmax(contrast))
    assert texts(figure)[1 + 3 + best] == f"{22.5 * k:g}°"
    ends = axis.transData.transform(np.transpose(axis.lines[best].get_data()))
    across, up = ends[1] - ends[0]
    rows, columns = np.nonzero(np.asarray(image[0]) > 0.9)
    ours = np.array([up, across]) / np.hypot(up, across)
    covariance = np.cov(np.stack([-rows, columns]))  # up, across
    assert ours @ covariance @ ours > 0.98 * np.linalg.eigvalsh(covariance)[-1]


def test_steered_bands_name_their_angles():
    pyramid = ps.steer(ps.steerable_pyramid(noise(1, 32, 32), 2, 2), math.radians(100))
    assert [text for text in texts(steerable_figure(pyramid)) if "°" in text] == ["100°", "10°"]


@pytest.mark.parametrize("decimate", [True, False])
def test_a_constant_image_is_grey_and_its_residual_is_the_image(decimate):
    pyramid = ps.steerable_pyramid(torch.full((3, 24, 40), 0.25), 2, decimate=decimate)
    *bands, lowpass = steerable_figure(pyramid).axes[0].images
    near(lowpass.get_array(), np.full_like(lowpass.get_array(), 0.25), "transform")
    clean = ps.steerable_pyramid(torch.zeros(3, 24, 40), 2, decimate=decimate)
    for picture in steerable_figure(clean).axes[0].images[:-1]:
        near(picture.get_array(), np.full_like(picture.get_array(), 0.5), "step")
    assert len(bands) == 9


def test_a_level_has_one_scale():
    pyramid = ps.steerable_pyramid(photo()[:, :128, :128], 2)
    figure = steerable_figure(pyramid)
    for level, bands in enumerate(pyramid.bands):
        white = scale_of(bands)
        assert any(text.startswith(f"{level} ") and text.endswith(f"±{written(white)}") for text in texts(figure))
        for picture, band in zip(figure.axes[0].images[1 + 4 * level :][:4], bands, strict=True):
            near(picture.get_array(), (0.5 + band / (2 * white)).clamp(0, 1).permute(1, 2, 0), "step")


@pytest.mark.parametrize(
    ("pyramid", "match"),
    [
        (None, "must be a SteerablePyramid"),
        ([torch.zeros(1, 8, 8)], "must be a SteerablePyramid"),
        (ps.steerable_pyramid(np.zeros((3, 8, 8))), "must be a SteerablePyramid of tensors"),
        (ps.steerable_pyramid(torch.zeros(8, 8)), "must be of one image"),
        (ps.steerable_pyramid(torch.zeros(2, 3, 8, 8)), "must be of one image"),
        (ps.steerable_pyramid(torch.zeros(8, 8, 3), channel_axis=-1), "must be of one image"),
        (ps.steerable_pyramid(torch.zeros(1, 8, 8), orientations=25), "at most 24 orientations fit on a sheet, got 25"),
    ],
    ids=["none", "a list", "numpy", "2-d", "a batch", "channels last", "25 orientations"],
)
def test_what_cannot_be_drawn_is_refused(pyramid, match):
    with pytest.raises((TypeError, ValueError), match=match):
        steerable_figure(pyramid)


# --- bands as pictures ---


@pytest.mark.parametrize(("size", "dots"), [((7, 10), 4), ((9, 9), 9), ((5, 8), 3), ((1, 6), 1), ((4, 5), 0.5)])
def test_the_strongest_of_each_block_by_brute_force(size, dots):
    band = noise(2, *size) - 0.5
    side = math.ceil(size[1] / max(1, int(dots)))
    found = strongest(band, dots)
    assert found.shape[-1] <= max(1, dots)
    for c in range(2):
        for i in range(found.shape[1]):
            for j in range(found.shape[2]):
                block = band[c, i * side : (i + 1) * side, j * side : (j + 1) * side].flatten()
                assert found[c, i, j] == block[block.abs().argmax()]


def test_the_finest_band_does_not_fade_when_it_is_drawn_small():
    fine = torch.ones(1, 1200, 1200)
    fine[:, :, ::2] = -1
    fine[:, 600:] = 0
    picture = shaded(fine, 1.0, 400)
    assert picture.shape == (400, 400, 3)
    np.testing.assert_array_equal(np.abs(picture[:200] - 0.5), 0.5)
    np.testing.assert_array_equal(picture[200:], 0.5)


def test_scales_are_symmetric_and_nearly_the_largest_magnitude():
    band = noise(3, 40, 50) - 0.5
    assert scale_of([band]) == scale_of([-band])
    near(scale_of([band]), np.quantile(band.abs(), 0.995), "step")
    near(shaded(band, 0.5, 99) + shaded(-band, 0.5, 99), np.ones((40, 50, 3)), "step", dtype=torch.float32)
    assert scale_of([torch.zeros(1, 2, 2)]) == 1.0


@pytest.mark.parametrize(
    ("scale", "expected"), [(0.0871, "0.087"), (1.0, "1"), (7.44, "7.4"), (38.2, "38"), (99.7, "100"), (171.6, "172")]
)
def test_scales_are_written_with_two_digits_and_no_exponent(scale, expected):
    assert written(scale) == expected
