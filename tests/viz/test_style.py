"""Figures do not depend on a user's own settings, and leave these as they were."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

import pyrascope as ps
from pictures import noise
from pyrascope.viz.style import own_style

ODD = {"font.size": 25, "axes.facecolor": "red", "lines.linewidth": 9, "savefig.dpi": 17, "figure.facecolor": "black",
       "image.cmap": "hot", "axes.grid": True, "image.interpolation": "bilinear"}  # fmt: skip


def drawn():
    image = noise(3, 61, 93)
    file = io.BytesIO()
    figure = ps.viz.plan_figure(image, ps.plan(image, 9))
    with own_style():
        figure.savefig(file, dpi=60, format="png")
    return np.asarray(Image.open(file))


def test_figures_do_not_depend_on_ones_own_settings():
    plain = drawn()
    with matplotlib.rc_context(ODD):
        odd = drawn()
        assert matplotlib.rcParams["font.size"] == 25, "they are back afterwards"
    np.testing.assert_array_equal(odd, plain)


def test_settings_are_back_after_an_error():
    with matplotlib.rc_context(ODD):
        with pytest.raises(ValueError, match="px as its plan, got 16x16"):
            ps.viz.plan_figure(noise(3, 16, 16), ps.plan(noise(3, 61, 93), 9))
        assert matplotlib.rcParams["axes.facecolor"] == "red"
