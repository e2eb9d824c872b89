"""Steerable pyramids: inverse, frame, quadrature, steering, spectra."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from pyrascope.signal.steerable import steerable_pyramid, steerable_reconstruct
from pyrascope.signal.steerable_masks import CACHED_PYRAMIDS, Geometry, _responses, most_levels, responses
from pyrascope.signal.steerable_transform import crop, embed, whole_plane
from pyrascope.signal.steering import steer
from steerable_cases import noise
from tolerances import TYPES, near

SIZES = [(1, 1), (1, 64), (2, 2), (3, 1), (8, 8), (9, 31), (33, 48), (67, 61)]


VARIANTS = [(complex, decimate) for complex in (False, True) for decimate in (True, False)]


def energy(x):
    return x.abs().square().sum().item()


def gain(x, band):
    """How much larger than the image a band may be: its samples grow as they get fewer."""
    return x.shape[-2:].numel() / band.shape[-2:].numel()


def grating(size, cycles, angle):
    """Waves of which the crests run at `angle`, counter-clockwise as the image is looked at."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing="ij")
    return torch.cos(2 * math.pi * cycles / size[0] * (x * math.sin(angle) + y * math.cos(angle)))


@st.composite
def cases(draw):
    size = draw(st.tuples(st.integers(1, 67), st.integers(1, 67)))
    levels = draw(st.none() | st.integers(0, most_levels(size)))
    return size, levels, draw(st.integers(1, 8)), draw(st.booleans()), draw(st.booleans())


@settings(max_examples=150, deadline=None)
@given(
    case=cases(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**31),
    binary=st.booleans(),
)
def test_reconstruct_is_the_exact_inverse_at_every_size(case, dtype, seed, binary):
    x = noise(*case[0], dtype=dtype, seed=seed)
    x = x.round() if binary else x
    pyramid = steerable_pyramid(x, *case[1:])
    near(steerable_reconstruct(pyramid), x, "transform")


@settings(max_examples=80, deadline=None)
@given(case=cases(), seed=st.integers(0, 2**31))
def test_tight_frame(case, seed):
    x = noise(*case[0], seed=seed)
    pyramid = steerable_pyramid(x, *case[1:])
    part = 0.5 if pyramid.complex else 1
    total = energy(pyramid.highpass) + energy(pyramid.lowpass) * pyramid.lowpass.numel() / x.numel()
    for row in pyramid.bands:
        total += sum(energy(band) * part * band.numel() / x.numel() for band in row)
    near(total, energy(x), "transform")


@settings(max_examples=80, deadline=None)
@given(case=cases(), angle=st.floats(-7, 7), seed=st.integers(0, 2**31))
def test_steered_pyramid_is_reconstructed_exactly_and_keeps_its_energy(case, angle, seed):
    x = noise(*case[0], seed=seed)
    pyramid = steerable_pyramid(x, *case[1:])
    steered = steer(pyramid, angle)
    near(steerable_reconstruct(steered), x, "transform")
    for row, turned in zip(pyramid.bands, steered.bands, strict=True):
        near(sum(map(energy, turned)), sum(map(energy, row)), "transform")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("orientations", range(1, 9))
@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
def test_squared_responses_sum_to_one(size, orientations, complex, decimate):
    """At every frequency of the image, from the responses to an impulse, without residuals left out."""
    x = torch.zeros(size, dtype=torch.float64)
    x[0, 0] = 1
    pyramid = steerable_pyramid(x, None, orientations, complex, decimate)
    power = torch.fft.fft2(pyramid.highpass).abs().square()
    for band in (*(band for row in pyramid.bands for band in row), pyramid.lowpass):
        squares = torch.fft.fft2(band).abs().square()
        if band.is_complex():  # one side carries it all; half of it belongs to the opposite frequency
            squares = (squares + squares.roll((-1, -1), (-2, -1)).flip((-2, -1))) / 4
        power = embed(power, squares)
    near(power, torch.ones_like(power), "transform")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
def test_inverse_in_every_dtype(dtype, size, complex, decimate):
    x = noise(2, *size, dtype=dtype)
    pyramid = steerable_pyramid(x, None, 3, complex, decimate)
    real = {band.real.dtype for row in pyramid.bands for band in row}
    half = dtype in (torch.float16, torch.bfloat16)
    assert real <= {torch.float32 if half and complex else dtype}
    assert pyramid.highpass.dtype == pyramid.lowpass.dtype == dtype
    near(steerable_reconstruct(pyramid), x, "transform")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
@pytest.mark.parametrize("orientations", [1, 2, 5])
def test_subsets_add_up_to_the_whole(size, complex, decimate, orientations):
    x = noise(3, *size)
    pyramid = steerable_pyramid(x, None, orientations, complex, decimate)
    total = steerable_reconstruct(pyramid, levels=[])
    for level in range(pyramid.levels):
        for k in range(orientations):
            total = total + steerable_reconstruct(pyramid, level, k, residuals=False)
    near(total, x, "transform")
    assert_close(steerable_reconstruct(pyramid, (), (), residuals=False), torch.zeros_like(x), rtol=0, atol=0)


@pytest.mark.parametrize("orientations", [1, 2, 4, 5])
@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
def test_reconstruction_is_the_adjoint(orientations, complex, decimate):
    """<analyse x, z> = <x, synthesise z> in the norm of the frame, for bands z of no image."""
    x = noise(13, 18)
    pyramid = steerable_pyramid(x, 2, orientations, complex, decimate)
    other = steerable_pyramid(noise(13, 18, seed=1), 2, orientations, complex, decimate)
    bands = tuple(tuple(band * noise(*band.shape, seed=k) for k, band in enumerate(row)) for row in other.bands)
    other = dataclasses.replace(other, bands=bands, lowpass=other.lowpass.flip(0), highpass=other.highpass.flip(1))

    def inner(a, b):
        return (a * b.conj()).real.sum() * a.numel() / x.numel()

    product = inner(pyramid.highpass, other.highpass) + inner(pyramid.lowpass, other.lowpass)
    for row, changed in zip(pyramid.bands, other.bands, strict=True):
        product += sum(map(inner, row, changed)) * (0.5 if complex else 1)
    near((x * steerable_reconstruct(other)).sum(), product, "transform")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("decimate", [True, False])
@pytest.mark.parametrize("orientations", [1, 2, 3, 4])
def test_complex_bands_are_quadrature_pairs(size, decimate, orientations):
    x = noise(*size)
    real = steerable_pyramid(x, None, orientations, False, decimate)
    pair = steerable_pyramid(x, None, orientations, True, decimate)
    for row, pairs in zip(real.bands, pair.bands, strict=True):
        for band, quadrature in zip(row, pairs, strict=True):
            near(quadrature.real, band, "transform", size=gain(x, band))
            near(energy(quadrature.real), energy(quadrature.imag), "transform")


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (48, 33)])
@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
@pytest.mark.parametrize("orientations", [2, 3, 4, 7])
def test_a_band_steered_to_the_angle_of_a_band_is_that_band(size, complex, decimate, orientations):
    pyramid = steerable_pyramid(noise(*size), None, orientations, complex, decimate)
    for start in (pyramid, steer(pyramid, 0.3)):
        for k in range(orientations):
            steered = steer(start, math.pi * k / orientations)
            for row, turned in zip(pyramid.bands, steered.bands, strict=True):
                near(turned[0], row[k], "transform", size=gain(pyramid.highpass, row[k]))


@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
@pytest.mark.parametrize("orientations", [1, 2, 5])
def test_steering_equals_building_at_that_angle(complex, decimate, orientations):
    x, angle = noise(21, 34), 1.1
    steered = steer(steerable_pyramid(x, 3, orientations, complex, decimate), angle)
    layout = Geometry((21, 34), 3, orientations, complex, decimate, angle)
    spectrum = torch.fft.fft2(x)
    for level, response in enumerate(responses(layout, torch.float64, x.device).bands):
        signals = torch.fft.ifft2(crop(spectrum, layout.level_size(level)) * response)
        expected = signals if complex else torch.stack([signals.real, signals.imag], 1).flatten(0, 1)
        near(torch.stack(steered.bands[level]), expected[:orientations], "transform")


@pytest.mark.parametrize("orientations", range(1, 7))
def test_steering_by_pi_changes_the_sign_of_odd_bands(orientations):
    pyramid = steerable_pyramid(noise(20, 20), 2, orientations)
    for row, turned in zip(pyramid.bands, steer(pyramid, math.pi).bands, strict=True):
        for band, other in zip(row, turned, strict=True):
            near(other, band * (-1) ** (orientations - 1), "transform")


@pytest.mark.parametrize("orientations", [2, 3, 4, 6])
@pytest.mark.parametrize("complex", [False, True])
def test_convention_angles(orientations, complex):
    """Radians, counter-clockwise, 0 = horizontal structure."""
    for k in range(orientations):
        for level, cycles in ((0, 32), (1, 16), (2, 8)):
            x = grating((128, 128), cycles, math.pi * k / orientations)
            row = steerable_pyramid(x, 4, orientations, complex).bands[level]
            assert max(range(orientations), key=lambda j: energy(row[j][4:-4, 4:-4])) == k


def test_convention_a_horizontal_line_excites_angle_0_and_a_rising_one_angle_pi_over_4():
    lines = {0: torch.zeros(32, 32), 1: torch.eye(32).flip(0), 2: torch.zeros(32, 32), 3: torch.eye(32)}
    lines[0][16] = 1
    lines[2][:, 16] = 1
    for k, x in lines.items():
        energies = [energy(band) for band in steerable_pyramid(x, 1).bands[0]]
        assert energies.index(max(energies)) == k


@pytest.mark.parametrize("level", range(4))
def test_a_grating_of_the_frequency_of_a_level_is_in_that_level_alone(level):
    """At radius 2^-(level + 1) the radial response is 1 and that of all others 0."""
    pyramid = steerable_pyramid(grating((64, 64), 16 >> level, 0), 4)
    total = [sum(map(energy, row)) * row[0].numel() / 4096 for row in pyramid.bands]
    near(total[level], 2048)
    near(sum(total), 2048)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
def test_a_constant_image_is_in_the_lowpass_alone(size, complex, decimate):
    pyramid = steerable_pyramid(torch.full(size, 0.7, dtype=torch.float64), None, 4, complex, decimate)
    mean = torch.full_like(pyramid.lowpass, 0.7 * gain(pyramid.highpass, pyramid.lowpass))
    near(pyramid.lowpass, mean)
    for part in (pyramid.highpass, *(band for row in pyramid.bands for band in row)):
        near(part, torch.zeros_like(part), "transform", size=gain(pyramid.highpass, part))


@pytest.mark.parametrize("size", SIZES)
def test_all_levels_leave_nothing_but_the_mean(size):
    lowpass = steerable_pyramid(noise(*size), decimate=False).lowpass
    near(lowpass, noise(*size).mean().expand(size))


@pytest.mark.parametrize("orientations", [2, 3])
def test_decimated_bands_are_samples_of_the_undecimated_ones(orientations):
    x = noise(32, 48)
    small, large = (steerable_pyramid(x, 3, orientations, decimate=decimate) for decimate in (True, False))
    for level in range(3):
        for band, whole in zip(small.bands[level], large.bands[level], strict=True):
            step = 2**level
            near(band / step**2, whole[::step, ::step])


def test_shapes_levels_and_overcompleteness():
    for size, most in {(1, 1): 0, (2, 2): 0, (1, 3): 1, (4, 4): 1, (5, 1): 2, (64, 64): 5, (65, 3): 6}.items():
        assert steerable_pyramid(noise(*size)).levels == most_levels(size) == most
    pyramid = steerable_pyramid(noise(3, 33, 46), 3)
    assert [row[0].shape[1:] for row in pyramid.bands] == [(33, 46), (17, 23), (9, 12)]
    assert pyramid.lowpass.shape == (3, 5, 6)
    for complex, decimate in VARIANTS:
        pyramid = steerable_pyramid(noise(64, 64), 3, 4, complex, decimate)
        parts = [band for row in pyramid.bands for band in row]
        numbers = sum(b.numel() * (1 + complex) for b in parts) + pyramid.highpass.numel() + pyramid.lowpass.numel()
        k = 8 if complex else 4
        law = 1 + 4 * k * (1 - 4**-3) / 3 + 4**-3 if decimate else 2 + 3 * k
        near([pyramid.overcompleteness] * 2, [numbers / 64**2, law], "step")


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_numpy_and_channels_anywhere(complex, axis):
    x = noise(3, 13, 18)
    expected = steerable_pyramid(x, 2, 3, complex)
    array = np.asfortranarray(np.moveaxis(x.numpy(), 0, axis))[::1]
    array.flags.writeable = False
    pyramid = steerable_pyramid(array, 2, 3, complex, channel_axis=axis)
    for row, other in zip(pyramid.bands, expected.bands, strict=True):
        for band, reference in zip(row, other, strict=True):
            assert isinstance(band, np.ndarray)
            near(np.moveaxis(band, axis, 0), reference.numpy(), "step")
    for turned in (pyramid, steer(pyramid, 0.4)):
        near(steerable_reconstruct(turned), array, "transform")


def test_integers_batches_and_nan():
    bytes_ = (noise(2, 3, 9, 10) * 255).to(torch.uint8)
    near(steerable_reconstruct(steerable_pyramid(bytes_)), bytes_ / 255, "transform")
    x = noise(2, 3, 9, 10)
    whole, single = steerable_pyramid(x), steerable_pyramid(x[1, 2])
    near(whole.bands[1][2][1, 2], single.bands[1][2], "step")
    for complex in (False, True):
        none = steer(steerable_pyramid(x[:0], complex=complex), 0.3)
        assert none.bands[1][3].shape == (0, 3, 5, 5)
        assert steerable_reconstruct(none).shape == (0, 3, 9, 10)
    assert steerable_reconstruct(steerable_pyramid(torch.full((8, 8), torch.nan))).isnan().all()
    strided = noise(20, 22)[::2, :: -1 % 3 or 1]
    near(steerable_reconstruct(steerable_pyramid(strided)), strided, "transform")


@pytest.mark.parametrize(("complex", "decimate"), VARIANTS)
@pytest.mark.parametrize("orientations", [2, 3])
def test_gradients(complex, decimate, orientations):
    x = noise(2, 5, 6).requires_grad_()

    def analyse(x):
        pyramid = steer(steerable_pyramid(x, 2, orientations, complex, decimate), 0.3)
        bands = [band for row in pyramid.bands for band in row]
        parts = [part for band in bands for part in ((band.real, band.imag) if complex else (band,))]
        return (pyramid.highpass, *parts, pyramid.lowpass)

    def there_and_back(x):
        pyramid = steerable_pyramid(x, 2, orientations, complex, decimate)
        return steerable_reconstruct(pyramid, levels=[0], orientations=[1])

    assert torch.autograd.gradcheck(analyse, x, fast_mode=True)
    assert torch.autograd.gradcheck(there_and_back, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(there_and_back, x, fast_mode=True)


def test_responses_are_cached_and_the_cache_is_bounded():
    layout = Geometry((40, 40), 2, 4, False, True)
    first = responses(layout, torch.float32, torch.device("cpu"))
    assert responses(layout, torch.float32, torch.device("cpu")) is first
    for n in range(1, CACHED_PYRAMIDS + 5):
        steerable_pyramid(noise(n, n))
    assert _responses.cache_info().currsize <= CACHED_PYRAMIDS
    with torch.inference_mode():
        steerable_pyramid(noise(41, 41))
    x = noise(41, 41).requires_grad_()
    steerable_reconstruct(steerable_pyramid(x)).sum().backward()
    near(x.grad, torch.ones_like(x), "step")


@pytest.mark.parametrize("size", SIZES)
def test_spectra(size):
    x = noise(2, *size)
    near(whole_plane(torch.fft.rfft2(x), size[1]), torch.fft.fft2(x))
    small = [(n + 1) // 2 for n in size]
    low = noise(2, *small)
    near((crop(x, small) * low).sum(), (x * embed(torch.zeros_like(x), low)).sum(), "step")
