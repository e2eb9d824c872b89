import math

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

import pyrascope as ps
from pictures import noise
from pyrascope.methods import Anisotropic
from pyrascope.methods.anisotropic import FITS

WORDS = "the quick brown fox jumps over a lazy dog while pyramids look at many scales "


def skews(plan):
    """Row skew of each token: above 0 it is finer along x than along y."""
    return plan.levels[:, 0] - plan.levels[:, 1]


def shape(plan, region):
    """Rows and columns of tokens in a region y0 x0 y1 x1."""
    centres = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
    inside = ((centres > region[:2]) & (centres < region[2:])).all(1)
    return tuple(len(np.unique(plan.boxes[inside, axis])) for axis in (0, 1))


def stripes(angle, side=512, frequency=0.2):
    """A grating whose stripes run at `angle`: 0 is horizontal."""
    y, x = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    across = x * math.sin(angle) + y * math.cos(angle)
    return (0.5 + 0.4 * torch.sin(2 * math.pi * frequency * across))[None]


@pytest.mark.parametrize(
    ("angle", "tokens", "expected"),
    [(math.pi / 2, 256, (8, 32)), (0, 256, (32, 8)), (math.pi / 4, 144, (12, 12)), (3 * math.pi / 4, 144, (12, 12))],
)
def test_token_shapes_follow_the_structure(angle, tokens, expected):
    plan = ps.plan(stripes(angle), tokens, Anisotropic(region=32))
    assert shape(plan, (0, 0, 512, 512)) == expected


def test_isotropic_texture_has_square_tokens_and_fewer_than_directed_texture():
    image = torch.cat([noise(1, 256, 256), stripes(math.pi / 2, 256)], -1)
    energy = [image[..., :256].std(), image[..., 256:].std()]
    image[..., :256] = 0.5 + (image[..., :256] - 0.5) * energy[1] / energy[0]
    assert shape(ps.plan(noise(1, 512, 512), 256, Anisotropic(region=32)), (0, 0, 512, 512)) == (16, 16)
    plans = [ps.plan(image, 128, Anisotropic(boost=boost, region=16)) for boost in (0, 0.2, 1)]
    directed = [int((plan.boxes[:, 1] >= 256).sum()) for plan in plans]
    assert directed[0] < directed[1] < directed[2]


@pytest.mark.parametrize("size", [12, 18, 28])
@pytest.mark.parametrize("face", ["DejaVuSans.ttf", "DejaVuSerif.ttf"])
def test_rows_of_text_are_finer_along_x(size, face):
    picture = Image.new("L", (512, 256), 255)
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{face}", size)
    for row in range(128 // (size + 8)):
        ImageDraw.Draw(picture).text((4, row * (size + 8)), (WORDS * 3)[row * 7 :][: 700 // size], font=font, fill=0)
    plan = ps.plan(picture, 40, Anisotropic())
    skew = skews(plan)[plan.boxes[:, 0] < 128 - size]
    assert len(skew) >= 36, "tokens go to the text"
    assert skew.mean() > 0.1
    assert (skew > 0.1).sum() > 2 * (skew < -0.1).sum()


def test_shapes_stay_within_the_skew():
    for skew in (1.0, 2.0):
        plan = ps.plan(stripes(0), 250, Anisotropic(skew=skew, region=32))
        assert np.abs(skews(plan)).mean() < math.log2(skew) + math.log2(FITS) + 0.001, (
            "a grid may miss its shape by FITS"
        )


@pytest.mark.parametrize("options", [{"boost": -1}, {"boost": math.inf}, {"skew": 0.5}, {"skew": "4"}, {"region": 0}])
def test_wrong_options_are_refused(options):
    with pytest.raises((ValueError, TypeError), match=r"(boost|skew|region) must be .*, got"):
        Anisotropic(**options)


def test_the_ratio_is_the_square_of_that_of_the_energies():
    """Twice as much energy across as down: boxes four times as high as wide."""
    wave = torch.cos(2 * torch.pi * 0.2 * torch.arange(256, dtype=torch.float64))
    image = (0.5 + 0.2 * 2**0.5 * wave + 0.2 * wave[:, None])[None]
    plan = ps.plan(image, 64, Anisotropic(region=32), 8)
    assert [len(np.unique(plan.boxes[:, axis])) for axis in (0, 1)] == [4, 16]
