"""Steerable pyramids beside pyrtools and plenoptic, and what is refused."""

import dataclasses
import math

import pytest
import torch

from pyrascope.signal.steerable import SteerablePyramid, steerable_pyramid, steerable_reconstruct
from pyrascope.signal.steering import steer
from steerable_cases import noise
from tolerances import near


def replaced(pyramid, level, orientation, band):
    rows = [list(row) for row in pyramid.bands]
    rows[level][orientation] = band
    return dataclasses.replace(pyramid, bands=tuple(tuple(row) for row in rows))


THEIRS = {"size": 1, "dtype": torch.float32}  # their responses are read from tables or stored in float32


def assert_agrees(ours, highpass, lowpass, theirs):
    """`theirs(level, b)` is at pi/2 - pi b / K and on one side of that; the values of a level are the same."""
    near(ours.highpass, torch.as_tensor(highpass), **THEIRS)
    scale = 4**ours.levels
    near(ours.lowpass / scale, torch.as_tensor(lowpass) / scale, **THEIRS)
    for b in range(ours.orientations):
        steered = steer(ours, math.pi / 2 - math.pi * b / ours.orientations)
        for level in range(ours.levels):
            band, other = steered.bands[level][0] / 4**level, torch.as_tensor(theirs(level, b)) / 4**level
            near(band, other.to(band), **THEIRS)


PEERS_ALLOW = [(1, False), *((k, c) for k in (2, 3, 4, 6) for c in (False, True))]


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (128, 80)])
@pytest.mark.parametrize(("orientations", "complex"), PEERS_ALLOW)
def test_agrees_with_pyrtools(size, orientations, complex):
    pyrtools = pytest.importorskip("pyrtools")
    x = noise(*size, seed=3)
    theirs = pyrtools.pyramids.SteerablePyramidFreq(
        x.numpy(), height=3, order=orientations - 1, is_complex=complex
    ).pyr_coeffs
    ours = steerable_pyramid(x, 3, orientations, complex)
    ends = theirs["residual_highpass"], theirs["residual_lowpass"]
    assert_agrees(ours, *ends, lambda level, b: theirs[level, b])


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (128, 80)])
@pytest.mark.parametrize(
    ("orientations", "complex"), [(1, False), *((k, c) for k in (2, 3, 4, 6) for c in (False, True))]
)
def test_agrees_with_plenoptic(size, orientations, complex):
    plenoptic = pytest.importorskip("plenoptic")
    x = noise(*size, seed=4)
    pyramid = plenoptic.process.SteerablePyramidFreq(size, height=3, order=orientations - 1, is_complex=complex)
    theirs = pyramid.double()(x[None, None])
    ends = (theirs[name][0, 0] for name in ("residual_highpass", "residual_lowpass"))
    assert_agrees(steerable_pyramid(x, 3, orientations, complex), *ends, lambda level, b: theirs[level][0, 0, b])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"levels": 6}, ValueError, "levels must be .* 0 to 5, got 6; an image of 64x48 allows 5 oriented levels"),
        ({"levels": -1}, ValueError, "levels must be a whole number from 0 to 5, got -1"),
        ({"levels": 1.0}, TypeError, "levels must be a whole number"),
        ({"orientations": 0}, ValueError, "orientations must be a whole number >= 1, got 0"),
        ({"orientations": True}, TypeError, "orientations must be a whole number"),
        ({"complex": 1}, TypeError, "complex must be True or False, got 1"),
        ({"decimate": None}, TypeError, "decimate must be True or False, got None"),
        ({"channel_axis": 2}, ValueError, "two spatial axes besides channel_axis"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        steerable_pyramid(noise(64, 48), **arguments)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.complex64])
def test_bad_types_are_refused(dtype):
    with pytest.raises(TypeError, match="x must hold float16"):
        steerable_pyramid(torch.ones(8, 8).to(dtype))


def test_pyramids_that_do_not_fit_are_refused():
    pyramid = steerable_pyramid(noise(3, 16, 20), 2)
    complex_pyramid = steerable_pyramid(noise(3, 16, 20), 2, complex=True)
    wrong = noise(3, 8, 9)
    for verb in (steerable_reconstruct, lambda p: steer(p, 0.1)):
        with pytest.raises(ValueError, match=r"level 1 must have shape \(3, 8, 10\), got \(3, 8, 9\)"):
            verb(replaced(pyramid, 1, 2, wrong))
        with pytest.raises(ValueError, match=r"low-pass residual must have shape \(3, 4, 5\), got \(3, 8, 9\)"):
            verb(dataclasses.replace(pyramid, lowpass=wrong))
        with pytest.raises(ValueError, match=r"high-pass residual must have shape \(3, 16, 20\), got \(3, 8, 9\)"):
            verb(dataclasses.replace(pyramid, highpass=wrong))
        with pytest.raises(ValueError, match="level 0 must have 4 orientations, got 3"):
            verb(dataclasses.replace(pyramid, bands=(pyramid.bands[0][:3], pyramid.bands[1])))
        with pytest.raises(TypeError, match="level 0 must be tensors like the high-pass residual, got ndarray"):
            verb(replaced(pyramid, 0, 0, pyramid.bands[0][0].numpy()))
        with pytest.raises(TypeError, match="level 1 must be real in this pyramid, got complex"):
            verb(replaced(pyramid, 1, 0, complex_pyramid.bands[1][0]))
        with pytest.raises(TypeError, match="level 1 must be complex in this pyramid, got real"):
            verb(replaced(complex_pyramid, 1, 0, pyramid.bands[1][0]))
        with pytest.raises(TypeError, match="pyramid must be a SteerablePyramid, got list"):
            verb([1])
    with pytest.raises(ValueError, match="levels must be a whole number from 0 to 1, got 2; the pyramid has 2 levels"):
        steerable_reconstruct(pyramid, levels=[0, 2])
    with pytest.raises(ValueError, match="orientations must be a whole number from 0 to 3, got -1"):
        steerable_reconstruct(pyramid, orientations=-1)


@pytest.mark.parametrize(
    ("angle", "error"), [(math.nan, ValueError), (math.inf, ValueError), ("0", TypeError), (None, TypeError)]
)
def test_bad_angles_are_refused(angle, error):
    with pytest.raises(error, match=r"angle must be a .*number in radians, got"):
        steer(steerable_pyramid(noise(8, 8)), angle)


def test_the_pyramid_is_frozen_and_prints_in_one_line():
    pyramid = steerable_pyramid(noise(8, 8))
    assert isinstance(pyramid, SteerablePyramid)
    assert "size=(8, 8), orientations=4" in repr(pyramid)
    with pytest.raises(dataclasses.FrozenInstanceError):
        pyramid.size = (1, 1)
