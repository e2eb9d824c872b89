"""The shipped difficulty network: what its view shows, and that small print is harder than large."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

import pyrascope as ps
from pictures import grating, noise, photo
from pyrascope.allocation.difficulty.trained_difficulty import TrainedDifficulty, view_of
from pyrascope.signal.resample import resize
from tolerances import near

WEIGHTS = Path(ps.__file__).parent / "learning" / "nn" / "difficulty.safetensors"


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from([1, 3, 5]),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_a_number_in_the_unit_interval_at_every_size(h, w, c, dtype):
    scene = ps.Scene(noise(c, h, w, dtype=dtype))
    found = TrainedDifficulty()(scene)
    assert isinstance(found, float)
    assert 0 <= found <= 1
    assert TrainedDifficulty()(scene) == found


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 1500), st.integers(1, 1500))
def test_the_view_keeps_proportions_and_constants(h, w):
    view = view_of(torch.full((3, h, w), 0.25))
    longer = max(h, w)
    expected = (h, w) if longer <= 128 else tuple(max(1, round(side * 128 / longer)) for side in (h, w))
    assert view.shape == (1, *expected)
    near(view, torch.full_like(view, 0.25))


def test_the_view_is_a_sharp_resize_without_aliasing():
    image = photo()[:, :200, :200]
    near(view_of(image), resize(image.mean(0, keepdim=True), (128, 128)).clamp(0, 1))
    large = resize(image, (1024, 1024))
    close = (view_of(large) - view_of(image)).abs()
    assert close.mean() < 0.005
    for axis in (-2, -1):
        waves = 0.5 + 0.5 * grating((1024, 1024), 0.23, axis).float()  # far above what 128 px can show
        assert (view_of(waves) - 0.5).abs().max() < 0.05


def test_grey_and_its_copies_in_colour_are_equally_hard():
    image = noise(1, 90, 120)
    assert TrainedDifficulty()(ps.Scene(image)) == pytest.approx(
        TrainedDifficulty()(ps.Scene(image.expand(3, -1, -1))), rel=1e-4
    )


def printed(size, ground, ink):
    """Lines of words of `size` px on a plain ground, (3, 384, 384)."""
    picture = Image.new("RGB", (384, 384), (ground,) * 3)
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
    draw = ImageDraw.Draw(picture)
    for y in range(20, 384 - 2 * size, 3 * size):
        draw.text((20, y), "Copyright Licence Work"[: 340 // size * 2], (ink,) * 3, font)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def test_small_print_is_harder_than_large():
    for ground, ink in ((215, 30), (60, 230)):
        small, large = (TrainedDifficulty()(ps.Scene(printed(size, ground, ink))) for size in (12, 32))
        assert small > 0.2
        assert large < 0.05


def test_the_weights_are_small():
    assert WEIGHTS.stat().st_size < 200_000
